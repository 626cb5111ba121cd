"""A worker's sums against the independent batch evaluation."""

from collections import Counter
from typing import Any

import msgspec

from tests.oracle.evaluation import Evaluation
from tests.oracle.intake import TOPICS
from tests.pure_worker import Sums


def assert_agrees(worker: Sums, truth: Evaluation) -> None:
    """Counters, refused facts, latest results, ledger and dead letters are the evaluation's."""
    assert_counts_agree(worker, truth)
    _assert_results_agree(worker, truth)
    _assert_letters_agree(worker, truth)


def assert_counts_agree(worker: Sums, truth: Evaluation) -> None:
    """Counters, refused facts and ledger are the evaluation's."""
    assert min(worker.cells.values(), default=0) >= 0
    assert worker.notes() == truth.notes
    assert worker.refused() == {
        (place.nearest_note_id, f"{place.kind}/{place.reason}"): count
        for place, count in truth.refused.items()
        if place.nearest_note_id is not None
    }
    _assert_ledger_agrees(worker, truth)


def _assert_results_agree(worker: Sums, truth: Evaluation) -> None:
    latest = worker.latest()
    alive = {identity: result for identity, result in latest.items() if result.outcome != "void"}
    shown = {identity: _without_revision(msgspec.to_builtins(result)) for identity, result in alive.items()}
    assert shown == truth.results
    assert latest.keys() - alive.keys() <= truth.superseded
    seen = Counter((result.token, result.result_id, result.revision) for result in worker.published)
    assert max(seen.values(), default=1) == 1


def _without_revision(result: dict[str, Any]) -> dict[str, Any]:
    del result["revision"]
    return result


def _assert_ledger_agrees(worker: Sums, truth: Evaluation) -> None:
    for topic in TOPICS:
        wanted = {
            f"{topic}:{name}": count for name, count in truth.ledger["topics"][topic].items() if name != "invalid"
        }
        invalid = truth.ledger["topics"][topic]["invalid"]
        wanted |= {f"{topic}:invalid/{code}": count for code, count in invalid.items()}
        lines = {line: count for line, count in worker.ledger.items() if line.startswith(f"{topic}:") and count}
        assert lines == {line: count for line, count in wanted.items() if count}
    outcomes = {
        f"outcome:{kind}:{line}": count
        for kind, lines in truth.ledger["outcomes"].items()
        for line, count in lines.items()
    }
    assert {line: count for line, count in worker.ledger.items() if line.startswith("outcome:") and count} == outcomes
    assert worker.ledger["currency_mismatch"] == truth.ledger["seen"]["currency_mismatch"]


def _assert_letters_agree(worker: Sums, truth: Evaluation) -> None:
    letters = Counter(
        (dict(message.headers)["__dlq.original.topic"].decode(), dict(message.headers)["__dlq.error.code"].decode())
        for message in worker.messages
        if message.topic == "dead-letter"
    )
    expected = Counter((letter.topic, letter.code) for letter in truth.dead_letters)
    assert letters == expected
