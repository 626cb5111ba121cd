"""Explanations of hard journeys: they agree with credit in everything, and their reasons can be checked by sums."""

from collections.abc import Iterator

import msgspec
import pytest

from streams.core.credit import Outcome, outcomes
from streams.core.explain import Considered, Explanation, ResultStory, explain
from streams.core.facts import Action, Click, Entry, Fact, Step
from streams.core.journey import Journey
from streams.core.orders import orders
from streams.core.policy import parse_policy
from streams.core.results import void_identities
from streams.core.terms import PolicySet
from tests.generators.journeys import Scenario, hard_journeys
from tests.oracle.intake import TOKEN_TOPICS, Invalid, read

FURTHER = ("other_shop", "before_click", "window_passed", "click_refused")
KINDS: dict[str, type[Fact]] = dict(zip(TOKEN_TOPICS, (Click, Entry, Action, Step), strict=True))


def journeys_of(scenario: Scenario) -> Iterator[Journey]:
    """The journeys that the good records of a scenario make."""
    journeys: dict[str, Journey] = {}
    for record in scenario.records:
        if record.topic in KINDS and not isinstance(fields := read(record), Invalid):
            fact = msgspec.convert(fields, KINDS[record.topic])
            journeys.setdefault(fact.token, Journey()).absorb(fact)
    yield from journeys.values()


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_explanations_agree_with_credit(first: int) -> None:
    for seed in range(first, first + 100):
        scenario = hard_journeys(seed)
        policies = PolicySet(parse_policy(dict(document)) for document in scenario.policies)
        for journey in journeys_of(scenario):
            assert_agrees(explain(journey, policies), journey, policies)


def assert_agrees(told: Explanation, journey: Journey, policies: PolicySet) -> None:
    """Everything told follows from the journey, and is what credit says."""
    judged = outcomes(journey, policies)
    assert {result.result_id for result in told.results} == judged.results.keys()
    assert set(told.superseded) == void_identities(journey, judged)
    for result in told.results:
        assert_same_outcome(result, judged.results[result.result_id])
        assert_reasons_hold(result, journey)
    for click in told.clicks:
        terms = policies.terms(journey.clicks[click.click_id])
        assert (click.policy_version, click.refusal) == (
            terms.version,
            terms.refuses(journey.clicks[click.click_id].at_ms),
        )
        assert click.lead.ms == terms.lead_ms
        assert {stage: window.ms for stage, window in click.windows.items()} == terms.windows_ms
        assert set(click.won) == {result.result_id for result in told.results if result.winner == click.click_id}
    assert_money_adds_up(told, journey)
    assert_all_facts_are_told(told, journey)
    assert msgspec.json.encode(told)


def assert_same_outcome(result: ResultStory, outcome: Outcome) -> None:
    """Outcome, reason, winner and nearest click are those of credit."""
    assert (result.outcome, result.reason, result.kind) == (outcome.state, outcome.reason, outcome.kind)
    assert result.winner == (outcome.winner and outcome.winner.event_id)
    assert result.nearest == (outcome.nearest and outcome.nearest.event_id)
    assert (result.policy_version, result.final_at_ms) == (outcome.policy_version, outcome.final_at_ms)


def assert_reasons_hold(result: ResultStory, journey: Journey) -> None:
    """The verdicts alone say who wins, or why nobody does and who was nearest."""
    verdicts = [one.verdict for one in result.considered]
    assert [one.click_id for one in result.considered if one.verdict == "won"] == (
        [result.winner] if result.winner else []
    )
    assert len(verdicts) == len(journey.clicks)
    if result.winner is None:
        furthest = max(verdicts, key=FURTHER.index, default=None)
        assert result.reason == (furthest or "no_click")
        nearest = next((one.click_id for one in result.considered if one.verdict == furthest), None)
        assert result.nearest == nearest
        assert [one.click_id for one in result.considered if one.nearest] == ([nearest] if nearest else [])
    for one in result.considered:
        assert_distance_holds(one, result, journey.clicks[one.click_id])


def assert_distance_holds(one: Considered, result: ResultStory, click: Click) -> None:
    """The distances that are told lead from the click to the fact."""
    assert click.at_ms + one.after_click_ms == result.at_ms
    if one.verdict == "before_click":
        assert one.missed_by_ms is not None
        assert one.missed_by_ms > 0
        assert result.at_ms + one.missed_by_ms == click.at_ms - one.lead.ms
    elif one.verdict == "window_passed":
        assert one.missed_by_ms is not None
        assert one.missed_by_ms >= 0
        assert click.at_ms + one.window.ms + one.missed_by_ms == result.at_ms
    else:
        assert one.missed_by_ms is None
    if one.verdict in ("won", "not_last", "click_refused"):
        assert -one.lead.ms <= one.after_click_ms < one.window.ms
    assert (one.refusal is not None) or one.verdict != "click_refused"


def assert_money_adds_up(told: Explanation, journey: Journey) -> None:
    """Each order's steps have their parts in it, and its money is the sum of them."""
    known = orders(journey.steps.values())
    for story in (result.order for result in told.results if result.order):
        order = known[story.order_id]
        ignored = [step for step in story.steps if step.roles == ["other_currency"]]
        assert (len(ignored), story.base, story.status) == (order.mismatched, order.base.event_id, order.status)
        assert story.refunds_minor == sum(refund.amount_minor for refund in story.refunds)
        assert story.refunded_minor == min(story.refunds_minor, story.amount_minor) == order.refunded_minor
        refunding = sorted(step.event_id for step in story.steps if "refund" in step.roles)
        assert refunding == sorted(refund.event_id for refund in story.refunds)
        assert [sum(role in step.roles for step in story.steps) for role in ("base", "status")] == [1, 1]
        assert any("freezes" in step.roles for step in story.steps) == story.frozen
        assert any("closes" in step.roles for step in story.steps) == story.closed


def assert_all_facts_are_told(told: Explanation, journey: Journey) -> None:
    """In the order of their times: those that stand, and those that lost with what they lost to."""
    assert [fact.at_ms for fact in told.facts] == sorted(fact.at_ms for fact in told.facts)
    standing = [*journey.clicks.values(), *journey.entries.values(), *journey.actions.values(), *journey.steps.values()]
    assert len([fact for fact in told.facts if fact.lost_to is None]) == len(standing)
    lost = [fact for fact in told.facts if fact.lost_to]
    assert len(lost) == len(journey.lost)
    for fact in lost:
        assert fact.lost_to is not None
        assert (fact.lost_to.rule == "later") == (fact.lost_to.at_ms > fact.at_ms)
