"""The table of topics: what Redcat reads and writes, by logical name, and how such a topic is to be made.

The physical name is the configured prefix and the logical name.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

CLICK_OUT = "click-out"
SHOP_ENTRY = "shop-entry"
SHOP_ACTION = "shop-action"
ORDER = "order"
NOTE_METRIC = "note-metric"
CONVERSION = "conversion"
DEAD_LETTER = "dead-letter"
ALERT = "alert"

TOKEN_TOPICS = (CLICK_OUT, SHOP_ENTRY, SHOP_ACTION, ORDER)
"""Keyed by token: partition number p of all of them together holds whole journeys."""

METRIC_TOPICS = (NOTE_METRIC,)
"""Keyed by note."""

LANE_TOPICS = (TOKEN_TOPICS, METRIC_TOPICS)
"""The topics of each kind of lane: of P partitions, lane k * P + p reads partition p of those of kind k."""

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

    All topics have equally many partitions.
    """

    name: str
    key: str
    configuration: Mapping[str, str]


def lane_count(partitions: int) -> int:
    """How many lanes there are, of all kinds."""
    return len(LANE_TOPICS) * partitions


def topics_of(lane: int, partitions: int) -> tuple[str, ...]:
    """The topics that a lane reads."""
    return LANE_TOPICS[lane // partitions]


def partition_of_lane(lane: int, partitions: int) -> int:
    """The partition number that a lane reads, publishes to and has its markers in."""
    return lane % partitions


def markers(group: str) -> tuple[str, ...]:
    """Logical names of the topics where the lanes of `group`, by their kind, say what they have published.

    In a partition of such a topic the last record is the lane's: lanes of two kinds must not share one.
    """
    return f"{group}.lanes", f"{group}.note-lanes"


def replayed_letters(group: str) -> str:
    """Logical name of the topic that says which dead letters were replayed for `group`."""
    return f"{group}.replayed"


def alert_marker(group: str) -> str:
    """Logical name of the topic that says which alerts of `group` were published last."""
    return f"{group}.alert-marker"


def copied(group: str) -> str:
    """Logical name of the topic that says how far records of another namespace were copied into that of `group`.

    Made by who copies; nobody else needs it.
    """
    return f"{group}.copied"


POLICY = "policy"
"""Every policy that was put into force at run time, by its version."""

KEPT_BY_KEY = {"cleanup.policy": "compact", "message.timestamp.after.max.ms": str(2**63 - 1)}


def all_topics(group: str) -> list[Topic]:
    """Every topic that a worker of `group` reads or writes."""
    return [
        *(Topic(name, "token", ANY_TIME) for name in TOKEN_TOPICS),
        *(Topic(name, "note", ANY_TIME) for name in METRIC_TOPICS),
        Topic(POLICY, "version", KEPT_BY_KEY),
        Topic(CONVERSION, "token", ANY_TIME),
        Topic(DEAD_LETTER, "that of the record", ANY_TIME | LARGE),
        *(Topic(name, "lane", LAST_ONLY) for name in markers(group)),
        Topic(replayed_letters(group), "block of offsets", LAST_ONLY),
        Topic(ALERT, "alert", ANY_TIME),
        Topic(alert_marker(group), "alerts", LAST_ONLY),
    ]


def physical_names(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """Logical to physical names."""
    return {name: physical(prefix, name) for name in names}


def physical_kinds(prefix: str) -> list[dict[str, str]]:
    """Logical to physical names of the topics of each kind of lane."""
    return [physical_names(prefix, topics) for topics in LANE_TOPICS]


def physical(prefix: str, name: str) -> str:
    """The name that Kafka knows a topic by."""
    return prefix + name
