"""From what a producer means to what lies in Kafka: spellings, spoilt records, offsets and batches."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.generators.choices import Choices, pick, seldom, shuffled
from tests.oracle.intake import LARGEST_VALUE, Record
from tests.oracle.placement import partition_of


class Written(NamedTuple):
    """A record as a producer means it."""

    topic: str
    fields: dict[str, Any]

    @property
    def key(self) -> bytes:
        """The token, or the note of a note-metric."""
        return str(self.fields["note_id" if self.topic == "note-metric" else "token"]).encode()

    @property
    def value(self) -> bytes:
        """The record's JSON."""
        return json.dumps(self.fields).encode()

    def but(self, **changes: object) -> "Written":
        """The same record with some fields changed or added."""
        return Written(self.topic, self.fields | changes)


def sent(choices: Choices, written: Written, partitions: int, *, misplaced: bool) -> Record:
    """The record in one of many spellings, seldom in a partition that is not its key's; offsets come later."""
    partition = partition_of(written.key, partitions)
    if misplaced and seldom(choices, 20):
        partition = choices.below(partitions)
    return Record(written.topic, partition, 0, written.key, _spelled(choices, written))


def spoilt(choices: Choices, record: Record) -> Record:
    """The record with something wrong at the door."""
    return pick(choices, _SPOILERS)(choices, record)


def numbered(records: Sequence[Record]) -> list[Record]:
    """The records with the offsets that they get when they arrive in this order."""
    ends: Counter[tuple[str, int]] = Counter()
    arrived = []
    for record in records:
        place = (record.topic, record.partition)
        arrived.append(record._replace(offset=ends[place]))
        ends[place] += 1
    return arrived


def arranged(choices: Choices, records: Sequence[Record]) -> list[list[Record]]:
    """The records in any order, numbered anew, and split into batches anywhere; one batch is the simplest."""
    batches: list[list[Record]] = [[]]
    split = choices.below(4) > 0
    for record in numbered(shuffled(choices, records)):
        if split and batches[-1] and seldom(choices, 4):
            batches.append([])
        batches[-1].append(record)
    return batches


def _spelled(choices: Choices, written: Written) -> bytes:
    """The same content as other bytes: none of this is anything new to Redcat."""
    if not seldom(choices, 6):
        return written.value
    return pick(choices, _SPELLINGS)(written)


def _backwards_and_spaced(written: Written) -> bytes:
    return json.dumps(dict(reversed(written.fields.items())), indent=1).encode()


def _with_nulls_and_unread_fields(written: Written) -> bytes:
    # Of another topic, of another status, or of nobody; those that the record does say go last and count.
    unread: dict[str, Any] = {
        "boost_id": None,
        "comments": None,
        "colour": [{"deep": "red"}],
        "ip": "::1",
        "shares": None,
    }
    if written.topic == "order":
        unread |= {"amount_minor": "many", "currency": 5, "refund_id": [], "note_id": ""}
    return written.but(**(unread | written.fields)).value


def _escaped(written: Written) -> bytes:
    """Every character of the event id as an escape."""
    event_id = written.fields["event_id"]
    escapes = "".join(f"\\u{ord(letter):04X}" for letter in event_id)
    return written.value.replace(json.dumps(event_id).encode(), f'"{escapes}"'.encode())


def _with_a_name_twice(written: Written) -> bytes:
    return b'{"at_ms": 1000000000000, ' + written.value[1:]


_SPELLINGS: Sequence[Callable[[Written], bytes]] = (
    _backwards_and_spaced,
    _with_nulls_and_unread_fields,
    _escaped,
    _with_a_name_twice,
)


def _rekeyed(choices: Choices, record: Record) -> Record:
    return record._replace(key=pick(choices, (None, b"", b"t9", b"\xff", (record.key or b"") + b" ")))


def _revalued(choices: Choices, record: Record) -> Record:
    value = record.value or b""
    return record._replace(value=pick(choices, (None, b"", b"null", b"[]", value[:-1], value + b"x", b"\xff" + value)))


def _with_a_member(choices: Choices, record: Record) -> Record:
    """The last of equal names counts, so a member at the end replaces the one before."""
    members = (
        b'"at_ms": 999999999999',
        b'"at_ms": 8796093022208',
        b'"at_ms": 1750176000000.0',
        b'"at_ms": true',
        b'"at_ms": "1750176000000"',
        b'"event_id": null',
        b'"event_id": "e\\n"',
        b'"event_id": ""',
        b'"token": 1, "note_id": 1',
        b'"anything": NaN',
        b'"anything": "\xff"',
    )
    return record._replace(value=(record.value or b"")[:-1] + b", " + pick(choices, members) + b"}")


def _overlong(choices: Choices, record: Record) -> Record:
    padding = LARGEST_VALUE + choices.below(2) - len(record.value or b"")
    return record._replace(value=(record.value or b"") + b" " * padding)


# One overlong record in many: at exactly 64 KiB it is good, but each costs as much as hundreds of others.
_SPOILERS: Sequence[Callable[[Choices, Record], Record]] = (
    *(_rekeyed, _revalued, _with_a_member) * 8,
    _overlong,
)
