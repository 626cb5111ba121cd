"""The table of topics: what Redcat reads and writes, by logical name, and how such a topic is to be made.

The physical name is the configured prefix and the logical name.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

CLICK_OUT = "click-out"
SHOP_ENTRY = "shop-entry"
ORDER = "order"
CONVERSION = "conversion"
DEAD_LETTER = "dead-letter"

TOKEN_TOPICS = (CLICK_OUT, SHOP_ENTRY, ORDER)
"""The topics of a lane, keyed by token; partition number p of all of them is lane p."""

# Event time is not processing time: records that are years old or a day ahead must be taken and must stay.
ANY_TIME = {"retention.ms": "-1", "message.timestamp.after.max.ms": str(2**63 - 1)}
# A dead letter is the record that came and the reasons in its headers: larger than any topic lets in.
LARGE = {"max.message.bytes": str(4 * 1024 * 1024)}
# Only the last marker of a lane is ever read; small segments let the broker drop the others soon.
LAST_ONLY = {
    "cleanup.policy": "compact",
    "segment.bytes": str(1024 * 1024),
    "segment.ms": "600000",
    "min.cleanable.dirty.ratio": "0.1",
    "message.timestamp.after.max.ms": str(2**63 - 1),
}


class Topic(NamedTuple):
    """One topic: its logical name, what its record key is, and how it differs from the broker's defaults.

    All topics have one partition a lane.
    """

    name: str
    key: str
    configuration: Mapping[str, str]


def markers(group: str) -> str:
    """Logical name of the topic where the lanes of `group` say what they have published."""
    return f"{group}.lanes"


def all_topics(group: str) -> list[Topic]:
    """Every topic that a worker of `group` reads or writes."""
    return [
        *(Topic(name, "token", ANY_TIME) for name in TOKEN_TOPICS),
        Topic(CONVERSION, "token", ANY_TIME),
        Topic(DEAD_LETTER, "that of the record", ANY_TIME | LARGE),
        Topic(markers(group), "partition number", LAST_ONLY),
    ]


def physical_names(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """Logical to physical names."""
    return {name: physical(prefix, name) for name in names}


def physical(prefix: str, name: str) -> str:
    """The name that Kafka knows a topic by."""
    return prefix + name
