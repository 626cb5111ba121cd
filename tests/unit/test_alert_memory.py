"""What detectors have learnt outlives the process: the next one goes on as if there had been no other."""

import msgspec
import numpy as np
import pytest

from app.alerts.detectors import delay
from app.alerts.evaluation import evaluate
from app.alerts.memory import packed, unpacked
from app.alerts.model import Observations, Scope, Verdict
from app.alerts.observing import Observer
from app.alerts.rules import Rule, Rules
from app.alerts.rules_file import read_rules
from app.alerts.state import State
from app.alerts.watch import MINUTE_MS

START_MS = 1_794_758_400_000  # Monday, 16 November 2026, 00:00 in Shanghai
NOTES = 8
JD, SKIN, CLICKED = Scope("platform", "jd"), Scope("category", "fmcg.skincare"), Scope("topic", "click-out")
SCOPES = [*(Scope("note", f"n{number}") for number in range(NOTES)), JD, SKIN, CLICKED]
WITHIN: list[tuple[Scope, ...]] = [(JD, SKIN)] * NOTES + [()] * 3
SOME = ("entries-lost", "orders-lost", "refunds-surging", "clicks-gone", "feed-silent")
SHIPPED = read_rules(None)
RULES = msgspec.structs.replace(SHIPPED, learn="2h", rules=[rule for rule in SHIPPED.rules if rule.name in SOME])
BROKEN_AT = 300
MENDED_AT = 400


def minute(number: int) -> Observations:
    """A minute, the same however often it is asked for; the link of one note breaks."""
    random = np.random.default_rng(number)
    clicks = random.poisson(4.0, NOTES)
    rates = np.full(NOTES, 0.6)
    rates[3] *= not BROKEN_AT <= number < MENDED_AT
    counts = {
        "clicks": clicks,
        "clicks_entered": random.binomial(clicks, rates),
        "orders": random.binomial(clicks, 0.1),
    }
    counts |= {"entries": counts["clicks_entered"], "clicks_ordered": counts["orders"], "refused": clicks // 4}
    counts |= {"gross_minor": counts["orders"] * 9_900, "refunded_minor": counts["orders"] * 300}
    told = {name: np.append(of.astype(float), [of.sum(), of.sum(), 0.0]) for name, of in counts.items()}
    told["consumed"] = np.append(np.zeros(NOTES + 2), clicks.sum())
    return Observations(SCOPES, WITHIN, told, np.zeros(len(SCOPES)))


def live(state: State, first: int, last: int) -> tuple[State, list[Verdict]]:
    told: list[Verdict] = []
    for number in range(first, last):
        state, verdicts = evaluate(state.rules, state, minute(number), START_MS + (number + 1) * MINUTE_MS)
        told += verdicts
    return state, told


def begun() -> State:
    state = State(RULES)
    state.set_delays("entry_rate", {None: np.eye(delay.KINDS)[0], SKIN: np.eye(delay.KINDS)[1]})
    return live(state, 0, BROKEN_AT + 4)[0]


@pytest.fixture(scope="module")
def memory() -> bytes:
    return packed(begun(), Observer())


def test_an_evaluator_that_is_restarted_in_the_midst_of_a_break_tells_it_as_if_it_had_not_been(memory: bytes) -> None:
    there = begun()
    recalled = unpacked(memory, RULES, START_MS + (BROKEN_AT + 5) * MINUTE_MS)
    assert recalled is not None

    _, expected = live(there, BROKEN_AT + 4, BROKEN_AT + 90)
    _, told = live(recalled[0], BROKEN_AT + 4, BROKEN_AT + 90)

    assert expected
    assert [one[:4] for one in told] == [one[:4] for one in expected]
    numbers = [[one[4:] for one in some] for some in (told, expected)]
    assert np.array(numbers[0]) == pytest.approx(np.array(numbers[1]), rel=1e-3, abs=1e-3)


def test_what_was_said_is_taken_back_after_a_restart() -> None:
    state, told = live(begun(), BROKEN_AT + 4, BROKEN_AT + 30)
    assert "drop" in {verdict.answer for verdict in told}
    recalled = unpacked(packed(state, Observer()), RULES, START_MS + (BROKEN_AT + 40) * MINUTE_MS)
    assert recalled is not None

    _, after = live(recalled[0], MENDED_AT, MENDED_AT + 60)

    assert "ok" in {verdict.answer for verdict in after}


@pytest.mark.parametrize(
    "story", ["other rules", "other changes", "too old", "of the future", "damaged", "cut", "none"]
)
def test_what_does_not_fit_is_not_taken(memory: bytes, story: str) -> None:
    rule = msgspec.structs.replace(RULES.rules[0], changes=[0.8])
    rules = {
        "other rules": msgspec.structs.replace(RULES, rules=RULES.rules[1:]),
        "other changes": msgspec.structs.replace(RULES, rules=[rule, *RULES.rules[1:]]),
    }.get(story, RULES)
    minutes = {"too old": BROKEN_AT + 200, "of the future": BROKEN_AT}.get(story, BROKEN_AT + 5)
    memory = {"damaged": memory[:400] + b"?" + memory[401:], "cut": memory[:-200], "none": b""}.get(story, memory)

    assert unpacked(memory, rules, START_MS + minutes * MINUTE_MS) is None


def test_thresholds_may_change_between_two_evaluators(memory: bytes) -> None:
    patient: list[Rule] = [msgspec.structs.replace(rule, false_alarms_per_week=0.01) for rule in RULES.rules]
    rules: Rules = msgspec.structs.replace(RULES, rules=patient)

    assert unpacked(memory, rules, START_MS + (BROKEN_AT + 5) * MINUTE_MS) is not None
