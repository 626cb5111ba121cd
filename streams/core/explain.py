"""Explanations: why every fact of a journey came out as it did, click by click and step by step.

Outcomes are those of `streams.core.credit`.  The reasons are worked out here once more, in full: where credit stops at
the first answer, this names every click and by how much it won or lost.
"""

from typing import Literal, TypeAlias

import msgspec

from streams.core.credit import Outcome, Outcomes, Reason, State, outcomes
from streams.core.explain_clicks import ClickStory, Setting, story_of_click
from streams.core.explain_orders import OrderStory, story_of_order
from streams.core.facts import Action, Click, Entry, Fact, moment
from streams.core.journey import Journey
from streams.core.policy import Policy, Refusal, Stage
from streams.core.results import void_identities
from streams.core.terms import PolicySet

Verdict: TypeAlias = Literal["won", "not_last", "other_shop", "before_click", "window_passed", "click_refused"]


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """A click that was looked at for a result, and what came of it."""

    click_id: str
    note_id: str
    verdict: Verdict
    after_click_ms: int  # from the click to the fact; negative when the fact came first
    missed_by_ms: int | None  # before_click: how much too early; window_passed: since when the window had ended
    lead: Setting
    window: Setting
    policy_version: int
    refusal: Refusal | None
    nearest: bool


class ResultStory(msgspec.Struct, frozen=True, kw_only=True):
    """An entry, action or order, what became of it, and all clicks of the journey, the greatest first."""

    result_id: str
    kind: Stage
    outcome: State
    reason: Reason | None
    platform: str
    merchant_id: str
    at_ms: int
    winner: str | None  # click id
    nearest: str | None
    policy_version: int | None
    final_at_ms: int | None
    considered: list[Considered]
    order: OrderStory | None = None


class LostTo(msgspec.Struct, frozen=True):
    """Why a content of a fact does not stand."""

    rule: Literal["later", "greater"]  # the one that stands has the later at_ms, or else the greater canonical JSON
    at_ms: int  # of the one that stands


class FactStory(msgspec.Struct, frozen=True, kw_only=True):
    """One content of one fact."""

    kind: Literal["click", "entry", "favourite", "cart", "step"]
    at_ms: int
    event_id: str
    fact: Fact
    result_id: str | None  # of the result that it makes or is a part of
    lost_to: LostTo | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to say about a journey."""

    token: str | None
    facts: list[FactStory]  # by time
    clicks: list[ClickStory]  # the greatest first
    results: list[ResultStory]  # by time
    superseded: list[str]  # identities that only contents that lost would make


def explain(journey: Journey, policies: PolicySet) -> Explanation:
    """Tell the whole story of a journey under these policies."""
    judged = outcomes(journey, policies)
    of_clicks = sorted(journey.clicks.values(), key=moment, reverse=True)
    clicks = [(click, story_of_click(click, _policy(click, policies), _won(click, judged))) for click in of_clicks]
    results = [_story(result_id, outcome, clicks, journey) for result_id, outcome in judged.results.items()]
    standing: list[Fact] = [*journey.clicks.values(), *journey.entries.values()]
    standing += [*journey.actions.values(), *journey.steps.values()]
    facts = [_fact(fact, None) for fact in standing] + [_fact(fact, _lost_to(fact, journey)) for fact in journey.lost]
    return Explanation(
        token=facts[0].fact.token if facts else None,
        facts=sorted(facts, key=lambda fact: (fact.at_ms, fact.event_id, fact.kind, fact.lost_to is None)),
        clicks=[told for _, told in clicks],
        results=sorted(results, key=lambda result: (result.at_ms, result.result_id)),
        superseded=sorted(void_identities(journey, judged)),
    )


def _policy(click: Click, policies: PolicySet) -> Policy:
    version = policies.terms(click).version
    return next(policy for policy in policies.policies if policy.version == version)


def _won(click: Click, judged: Outcomes) -> list[str]:
    return [
        result_id
        for result_id, outcome in judged.results.items()
        if outcome.winner is not None and outcome.winner.event_id == click.event_id
    ]


def _story(result_id: str, outcome: Outcome, clicks: list[tuple[Click, ClickStory]], journey: Journey) -> ResultStory:
    considered: list[Considered] = []
    for click, told in clicks:
        won = any(one.verdict == "won" for one in considered)
        nearest = outcome.nearest is not None and outcome.nearest.event_id == click.event_id
        considered.append(_considered(click, told, outcome, won=won, nearest=nearest))
    steps = [step for step in journey.steps.values() if step.order_id == outcome.order_id]
    return ResultStory(
        result_id=result_id,
        kind=outcome.kind,
        outcome=outcome.state,
        reason=outcome.reason,
        platform=outcome.platform,
        merchant_id=outcome.merchant_id,
        at_ms=outcome.at_ms,
        winner=outcome.winner.event_id if outcome.winner else None,
        nearest=outcome.nearest.event_id if outcome.nearest else None,
        policy_version=outcome.policy_version,
        final_at_ms=outcome.final_at_ms,
        considered=considered,
        order=story_of_order(steps, outcome) if outcome.kind == "order" and steps else None,
    )


def _considered(click: Click, told: ClickStory, fact: Outcome, *, won: bool, nearest: bool) -> Considered:
    """Judge one click for a fact; `won`: a greater click is a candidate already."""
    lead, window = told.lead, told.windows[fact.kind]
    after_ms = fact.at_ms - click.at_ms
    verdict: Verdict = "not_last" if won else "won"
    missed_by_ms = None
    if (click.platform, click.merchant_id) != (fact.platform, fact.merchant_id):
        verdict = "other_shop"
    elif after_ms < -lead.ms:
        verdict, missed_by_ms = "before_click", -lead.ms - after_ms
    elif after_ms >= window.ms:
        verdict, missed_by_ms = "window_passed", after_ms - window.ms
    elif told.refusal is not None:
        verdict = "click_refused"
    return Considered(
        click_id=click.event_id,
        note_id=click.note_id,
        verdict=verdict,
        after_click_ms=after_ms,
        missed_by_ms=missed_by_ms,
        lead=lead,
        window=window,
        policy_version=told.policy_version,
        refusal=told.refusal,
        nearest=nearest,
    )


def _fact(fact: Fact, lost_to: LostTo | None) -> FactStory:
    kind: Literal["click", "entry", "favourite", "cart", "step"]
    result_id: str | None
    match fact:
        case Click():
            kind, result_id = "click", None
        case Entry():
            kind, result_id = "entry", f"entry:{fact.event_id}"
        case Action():
            kind, result_id = fact.action, f"{fact.action}:{fact.event_id}"
        case _:
            kind, result_id = "step", f"order:{fact.order_id}"
    return FactStory(
        kind=kind, at_ms=fact.at_ms, event_id=fact.event_id, fact=fact, result_id=result_id, lost_to=lost_to
    )


def _lost_to(fact: Fact, journey: Journey) -> LostTo | None:
    match fact:
        case Click():
            stands: Fact | None = journey.clicks.get(fact.event_id)
        case Entry():
            stands = journey.entries.get(fact.event_id)
        case Action():
            stands = journey.actions.get(fact.event_id)
        case _:
            stands = journey.steps.get(fact.event_id)
    at_ms = fact.at_ms if stands is None else stands.at_ms
    return LostTo("later" if at_ms > fact.at_ms else "greater", at_ms)
