"""The stored forms of tips, lane states and outbox entries: msgpack arrays that begin with their encoding."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from streams.commits import NO_CLICKS, Clicks, Commit, LaneState, Moment, Moments
from streams.errors import LaneStopped, Misconfigured
from streams.records import Entry, LastRecord, Positions, Restating, Spans, Tip

ENCODING: Final = 4
"""Raised whenever an older version could not read what this one writes."""

T = TypeVar("T")


class StoredState(NamedTuple):
    """What a commit sets as a whole."""

    positions: Positions
    policies: list[int]
    parked: Spans
    last_records: dict[str, LastRecord]
    spent: int
    words: int  # how many: were some lost, journeys would be misread
    restating: Restating = ""
    clicks: Clicks = NO_CLICKS


_pack = msgspec.msgpack.Encoder().encode
_state = msgspec.msgpack.Decoder(tuple[int, StoredState])
_entry = msgspec.msgpack.Decoder(tuple[int, Entry])
_moments = msgspec.msgpack.Decoder(tuple[int, list[Moment]])
_first = msgspec.msgpack.Decoder(list[msgspec.Raw])


def pack_tip(tip: Tip) -> bytes:
    """The tip as NONCE:SEQUENCE."""
    return f"{tip.nonce}:{tip.sequence}".encode()


def unpack_tip(value: bytes, key: bytes) -> Tip:
    """The tip at `key`; LaneStopped if it is none."""
    nonce, _, sequence = value.decode(errors="replace").rpartition(":")
    if not nonce or not sequence.isdecimal():
        raise LaneStopped(f"{key.decode()} holds {value[:64]!r}, which is no tip")
    return Tip(nonce, int(sequence))


def pack_state(commit: Commit, words: int) -> bytes:
    """The lane's state after the commit; `words` is how many there are then."""
    state = StoredState(
        commit.positions, commit.policies, commit.parked, commit.last_records, commit.spent, words, commit.restating,
        commit.clicks,
    )  # fmt: skip
    return _pack((ENCODING, state))


def pack_entry(entry: Entry) -> bytes:
    """An outbox entry."""
    return _pack((ENCODING, entry))


def pack_moments(moments: Moments) -> bytes:
    """The moments of one commit, zeros left out."""
    changes = [(cell, *when, change) for cell, some in moments.items() for when, change in some.items() if change]
    return _pack((ENCODING, changes))


def unpack_moments(values: Sequence[bytes], key: bytes) -> list[Moment]:
    """The moments of some commits, stored in the list at `key`; errors as `unpack_state`."""
    return [moment for value in values for moment in _unpack(_moments, value, key)]


def unpack_state(value: bytes | None, key: bytes) -> StoredState:
    """The state stored in the hash at `key`; LaneStopped if it cannot be read, Misconfigured if it is newer."""
    return StoredState({}, [], {}, {}, 0, 0) if value is None else _unpack(_state, value, key)


def unpack_entry(value: bytes, key: bytes) -> Entry:
    """The entry stored in the outbox at `key`; errors as `unpack_state`."""
    return _unpack(_entry, value, key)


def unpack_words(values: Sequence[bytes], key: bytes) -> list[str]:
    """The words of a lane; LaneStopped if one is no text."""
    try:
        return list(map(bytes.decode, values))
    except UnicodeDecodeError as error:
        raise LaneStopped(f"{key.decode()} cannot be read: {error}") from error


def unpack_lane(
    tip: Tip, fields: Mapping[bytes, bytes], entries: list[Entry], words: list[str], key: bytes
) -> LaneState:
    """The state of a lane from the fields of its hash at `key`, its outbox and its words."""
    state = unpack_state(fields.get(b"state"), key)
    if len(words) < state.words:
        raise LaneStopped(f"{key.decode()} has {state.words} words, but only {len(words)} are there")
    published = fields.get(b"published")
    return LaneState(
        tip=tip,
        positions=state.positions,
        policies=state.policies,
        parked=state.parked,
        last_records=state.last_records,
        published=None if published is None else unpack_tip(published, key),
        outbox=sorted(entries, key=lambda entry: entry.marker.tip.sequence),
        words=words[: state.words],
        spent=state.spent,
        restating=state.restating,
        clicks=state.clicks,
    )


def _unpack(decoder: "msgspec.msgpack.Decoder[tuple[int, T]]", value: bytes, key: bytes) -> T:
    try:
        encoding = msgspec.msgpack.decode(_first.decode(value)[0], type=int)
        if encoding > ENCODING:
            raise Misconfigured(
                f"{key.decode()} is stored in encoding {encoding}, this version reads up to {ENCODING}: "
                "run a newer Redcat"
            )
        return decoder.decode(value)[1]
    except (msgspec.DecodeError, UnicodeDecodeError, IndexError, RecursionError) as error:
        raise LaneStopped(f"{key.decode()} cannot be read: {error}") from error
