"""The whole meaning in one call: from raw records and policies to counters, results, ledger and dead letters."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.oracle.counters import Cell, Refused, bookings, by_cell, by_note, latest_metric, refusals, refused
from tests.oracle.intake import Fields, Record
from tests.oracle.journey import Journey, journey_of
from tests.oracle.ledger import LONGEST_JOURNEY, DeadLetter, Intake, account, standing, take_in
from tests.oracle.policy import Document
from tests.oracle.results import result_id
from tests.oracle.series import Place, series

Identity: TypeAlias = tuple[str, str]
"""Of a result: its token and its result id.  Of a click: its token and its event id."""


@dataclass(frozen=True)
class Evaluation:
    """What everybody's numbers must be once all records are in."""

    notes: dict[str, dict[str, Any]]
    """Counters by note, in the form of `redcat counters --json`."""
    cells: dict[Cell, dict[str, Any]]
    """The same by cell, without the notes' own figures."""
    refused: dict[Refused, int]
    """Refused facts by nearest note (None without any click), kind and reason."""
    series: dict[Place, int]
    """Totals and time series of everything larger than a cell, and of notes by hour."""
    results: dict[Identity, Fields]
    """The latest result of each identity that exists, all fields but the revision."""
    superseded: set[Identity]
    """Identities that only losing contents make: void if they were ever seen, and never anything else."""
    refusals: dict[Identity, str | None]
    """Why each click is refused; None: it is accepted."""
    ledger: dict[str, Any]
    """Topics, outcomes and what was seen, in the form of `redcat audit --json` without its problems."""
    dead_letters: list[DeadLetter]


def evaluate(
    records: Iterable[Record],
    policies: Sequence[Document],
    *,
    partitions: int,
    longest_journey: int = LONGEST_JOURNEY,
) -> Evaluation:
    """Evaluate all records at once; a misplaced one counts as forwarded, and only its copy, if given, as a fact."""
    intake = take_in(records, partitions=partitions, longest_journey=longest_journey)
    journeys = {token: journey_of(facts, policies) for token, facts in _facts_by_token(intake).items()}
    booked = [booking for journey in journeys.values() for booking in bookings(journey.clicks, journey.results)]
    results = {
        (token, result.fields["result_id"]): result.fields
        for token, journey in journeys.items()
        for result in journey.results
    }
    return Evaluation(
        notes=_with_metrics(by_note(booked), intake),
        cells=by_cell(booked),
        refused=dict(refused(results.values())),
        series=series([*booked, *(booking for j in journeys.values() for booking in refusals(j.clicks, j.results))]),
        results=results,
        superseded={identity for identity in _ever_made(intake) if identity not in results},
        refusals={
            (token, click.fields["event_id"]): click.refusal
            for token, journey in journeys.items()
            for click in journey.clicks
        },
        ledger={"topics": account(intake), "outcomes": _outcomes(results.values()), "seen": _seen(journeys)},
        dead_letters=intake.dead_letters,
    )


def _facts_by_token(intake: Intake) -> Mapping[str, Mapping[str, Sequence[Fields]]]:
    """The content that stands of every fact, by token and topic."""
    facts: dict[str, dict[str, list[Fields]]] = defaultdict(lambda: defaultdict(list))
    for fact, contents in intake.contents.items():
        if fact.topic != "note-metric":
            facts[fact.key][fact.topic].append(standing(contents))
    return facts


def _with_metrics(notes: dict[str, dict[str, Any]], intake: Intake) -> dict[str, dict[str, Any]]:
    """The notes' counters, and beside them the notes' own figures."""
    metrics: dict[str, list[Fields]] = defaultdict(list)
    for fact, contents in intake.contents.items():
        if fact.topic == "note-metric":
            metrics[fact.key].append(standing(contents))
    figures = {note_id: +latest_metric(of_note) for note_id, of_note in metrics.items()}
    return notes | {note_id: notes.get(note_id, {}) | shown for note_id, shown in figures.items() if shown}


def _ever_made(intake: Intake) -> Iterator[Identity]:
    """The identity that each content, standing or not, makes by itself."""
    for fact, contents in intake.contents.items():
        for content in contents.values():
            identity = result_id(fact.topic, content)
            if identity is not None:
                yield fact.key, identity


def _outcomes(results: Iterable[Fields]) -> dict[str, dict[str, int]]:
    """How many results of each kind stand in each outcome and reason; a credited one has no reason."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        outcomes[result["kind"]][f"{result['outcome']}/{result['reason'] or ''}"] += 1
    return {kind: dict(counts) for kind, counts in outcomes.items()}


def _seen(journeys: Mapping[str, Journey]) -> dict[str, int]:
    """Order steps in another currency than their base's, and orders under more than one token."""
    tokens = Counter(order_id for journey in journeys.values() for order_id in journey.orders)
    return {
        "currency_mismatch": sum(len(o.ignored) for journey in journeys.values() for o in journey.orders.values()),
        "order_reused": sum(1 for number in tokens.values() if number > 1),
    }
