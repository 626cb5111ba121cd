"""Digest of note metrics: what one batch changes, worked out from its records and the latest ones known.  Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from streams.arrivals import Arrivals, Aside
from streams.commits import Increments, Journeys
from streams.core.metrics import NoteMetric, changes, latest
from streams.errors import LaneStopped
from streams.records import ResultRecord
from streams.topics import NOTE_METRIC
from streams.words import pack_id, unpack_id

NOTE_ITSELF: Final = "|||||"
"""The cell of what is counted for a note and for nothing below it; in no other cell merchant and platform are empty."""

ENCODING: Final = 1

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Any]).decode


class MetricDigest(msgspec.Struct):
    """Everything that a batch of note metrics changes, but for the positions it came from.  It has no results."""

    figures: dict[str, dict[str, int]]
    stored: dict[str, bytes]
    ledger: dict[str, int]
    aside: list[Aside]
    results: list[ResultRecord] = []
    failed: int = 0

    def journeys(self) -> list[Journeys]:
        """The notes' latest records; they never expire, because the next one is counted by its difference to them."""
        return [Journeys(None, stored_names(self.stored), list(self.stored.values()))] if self.stored else []

    def orders(self) -> None:
        """A note has no orders of its own."""

    def increments(self) -> Increments:
        """The counter changes as the store takes them."""
        return Increments({note_id: {NOTE_ITSELF: figures} for note_id, figures in self.figures.items()}, self.ledger)


class MetricDigester:
    """Digests the batches of a metric lane; no policy has a say in them."""

    def without_late(self, _: Arrivals[NoteMetric], loaded: Sequence[bytes | None]) -> list[bytes | None]:
        """See Digesting; no note is ever full."""
        return list(loaded)

    def digest(self, arrived: Arrivals[NoteMetric], loaded: Sequence[bytes | None], _: int) -> MetricDigest:
        """`loaded` holds the stored records in the order of `arrived.by_key`."""
        digest = MetricDigest({}, {}, {}, list(arrived.aside))
        absorbed = 0
        for (note_id, metrics), value in zip(arrived.by_key.items(), loaded, strict=True):
            known = None if value is None else unpack_metric(note_id, value)
            last = metrics[0] if known is None else known
            for metric in metrics:
                last = latest(last, metric)
            absorbed += len(metrics)
            if last != known:
                digest.stored[note_id] = pack_metric(last)
                if figures := changes(known, last):
                    digest.figures[note_id] = figures
        _keep_ledger(digest, arrived, absorbed)
        return digest

    def restate(self, *_: object, everything: bool) -> MetricDigest:  # noqa: ARG002  # as journeys are
        """Metrics know no policies."""
        return MetricDigest({}, {}, {}, [])

    def tell(self, *_: object) -> list[ResultRecord]:
        """Metrics have no results to be told again."""
        return []


def stored_names(note_ids: Iterable[str]) -> list[str]:
    """What the notes' latest records are stored under: no token has a slash in it, so that none takes their place."""
    return ["/" + note_id for note_id in note_ids]


def is_stored_name(name: str) -> bool:
    """Whether it is one of `stored_names` and no token."""
    return name.startswith("/")


def pack_metric(metric: NoteMetric) -> bytes:
    """The record as the store holds it, without its note."""
    _, event_id, *rest = msgspec.structs.astuple(metric)
    return _pack([ENCODING, pack_id(event_id), *rest])


def unpack_metric(note_id: str, value: bytes) -> NoteMetric:
    """The record that `pack_metric` was given; LaneStopped when it cannot be read."""
    try:
        encoding, event_id, *rest = _unpack(value)
        if encoding == ENCODING:
            return NoteMetric(note_id, unpack_id(event_id), *rest)
    except (msgspec.DecodeError, TypeError, ValueError) as error:
        raise LaneStopped(f"the figures of note {note_id} cannot be read from the store: {error!r}") from error
    raise LaneStopped(
        f"the figures of note {note_id} are stored in encoding {encoding}, this version reads {ENCODING}: "
        "run a newer Redcat"
    )


def _keep_ledger(digest: MetricDigest, arrived: Arrivals[NoteMetric], absorbed: int) -> None:
    """Every record consumed stands in one line: absorbed, invalid or forwarded."""
    ledger = {
        f"{NOTE_METRIC}:consumed": arrived.consumed.get(NOTE_METRIC, 0),
        f"{NOTE_METRIC}:absorbed": absorbed,
        f"{NOTE_METRIC}:forwarded": len(arrived.misplaced),
    }
    for aside in digest.aside:
        line = f"{NOTE_METRIC}:invalid/{aside.code}"
        ledger[line] = ledger.get(line, 0) + 1
    digest.ledger = {line: count for line, count in ledger.items() if count}
