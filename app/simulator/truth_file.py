"""The truth in the shapes in which Redcat shows its numbers, in memory and as a JSON file."""

from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import orjson

from app.simulator.facts import TOPICS
from app.simulator.incidents import Incident
from app.simulator.truth import Tallies
from streams.topics import NOTE_METRIC

FIGURES = ("reads", "likes", "saves", "comments", "shares")

Counters: TypeAlias = dict[str, dict[str, Any]]
"""Per note its counters by name; money by currency under its name; zeros left out."""


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """All that a simulation amounts to.

    `results` maps "TOKEN RESULT_ID" to what `app.simulator.truth.compact` makes of the result's fields; in a file
    that is the fields themselves or a hexadecimal digest.  `may_be_void` holds the identities that only a losing
    content would make.
    """

    notes: Counters
    topics: dict[str, dict[str, Any]]
    outcomes: dict[str, dict[str, int]]
    seen: dict[str, int]
    results: dict[str, bytes]
    full_results: bool
    may_be_void: list[str]
    incidents: list[Incident] = []


def truth_of(tallies: Tallies) -> Truth:
    """The truth that the tallies have arrived at."""
    outcomes: dict[str, dict[str, int]] = {}
    for (kind, outcome, reason), count in sorted(tallies.outcomes.items(), key=str):
        outcomes.setdefault(kind, {})[f"{outcome}/{reason or ''}"] = count
    return Truth(
        notes=_notes(tallies),
        topics={topic: _ledger(tallies, topic) for topic in TOPICS},
        outcomes=outcomes,
        seen={"currency_mismatch": tallies.mismatched} if tallies.mismatched else {},
        results=tallies.results,
        full_results=tallies.full_results,
        may_be_void=sorted(tallies.may_be_void),
        incidents=list(tallies.incidents),
    )


def _notes(tallies: Tallies) -> Counters:
    notes: Counters = {}
    for note_id, counters in tallies.notes.items():
        notes[note_id] = dict(sorted((name, count) for name, count in counters.items() if count))
    for note_id, metrics in tallies.metrics.items():
        latest = max(metrics.values(), key=lambda metric: (metric.at_ms, metric.event_id))
        figures = {name: getattr(latest, name) for name in FIGURES if getattr(latest, name)}
        if figures:
            notes.setdefault(note_id, {}).update(figures)
    for note_id, money in tallies.money.items():
        for (name, currency), amount in sorted(money.items()):
            if amount:
                notes[note_id].setdefault(name, {})[currency] = amount
    return notes


def _ledger(tallies: Tallies, topic: str) -> dict[str, Any]:
    invalid = {code: count for (of, code), count in sorted(tallies.invalid.items()) if of == topic}
    sent, distinct, forwarded = tallies.sent[topic], tallies.distinct[topic], tallies.forwarded[topic]
    if topic == NOTE_METRIC:
        absorbed = sent - sum(invalid.values())
        return {"consumed": sent + forwarded, "absorbed": absorbed, "invalid": invalid, "forwarded": forwarded}
    return {
        "consumed": sent + forwarded,  # a forwarded record is read again where it belongs
        "distinct": distinct,
        "duplicates": sent - distinct - sum(invalid.values()),
        "conflicts": tallies.conflicts[topic],
        "invalid": invalid,
        "forwarded": forwarded,
    }


def write_truth(truth: Truth, path: Path) -> None:
    """Write the truth as a JSON file; raises OSError."""
    document = msgspec.structs.asdict(truth)
    document["results"] = {
        identity: msgspec.Raw(known) if truth.full_results else known.hex() for identity, known in truth.results.items()
    }
    path.write_bytes(msgspec.json.encode(document))


def read_truth(path: Path) -> Truth:
    """Read a truth file; raises OSError, and ValueError when it is none."""
    text = path.read_bytes()
    try:
        document: dict[str, Any] = msgspec.json.decode(text)
        read = _canonical if document["full_results"] else bytes.fromhex
        results = {identity: read(known) for identity, known in document["results"].items()}
        return msgspec.convert({**document, "results": results}, Truth)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} is no truth file: {error!r}") from None


def _canonical(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
