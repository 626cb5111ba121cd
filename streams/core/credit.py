"""Credit: which click brought each shop entry, shop action and order, and why not.

Read this file to know what Redcat measures.  Everything is a pure function of a journey and the policies.
"""

from typing import Literal, TypeAlias

import msgspec

from streams.core.facts import Action, Click, Entry, Status, moment
from streams.core.journey import Journey
from streams.core.orders import Order, orders
from streams.core.policy import Refusal, Stage
from streams.core.terms import PolicySet, Terms

State: TypeAlias = Literal["credited", "refused", "pending", "held", "withdrawn"]
Reason: TypeAlias = Literal[
    "no_click", "other_shop", "before_click", "window_passed", "click_refused",
    "order_closed", "not_paid", "order_frozen",
]  # fmt: skip


class JudgedClick(msgspec.Struct, frozen=True, gc=False):
    """A click with the terms that hold for it."""

    click: Click
    terms: Terms
    refusal: Refusal | None  # None: accepted


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one entry, action or order."""

    kind: Stage
    state: State
    reason: Reason | None  # None: credited
    platform: str
    merchant_id: str
    at_ms: int
    winner: Click | None  # the candidate that gets the credit, also of a pending, held or withdrawn order
    nearest: Click | None  # when refused: the click that came furthest
    policy_version: int | None
    final_at_ms: int | None
    order_id: str | None = None
    status: Status | None = None
    gross_minor: int = 0  # while credited
    refunded_minor: int = 0
    currency: str | None = None
    mismatched: int = 0


class Outcomes(msgspec.Struct, frozen=True):
    """What became of a whole journey: its clicks, greatest first, and its results by result id."""

    clicks: list[JudgedClick]
    results: dict[str, Outcome]


def outcomes(journey: Journey, policies: PolicySet) -> Outcomes:
    """Judge every fact of a journey."""
    clicks = [judge(click, policies) for click in journey.clicks.values()]
    if len(clicks) > 1:
        clicks.sort(key=lambda judged: moment(judged.click), reverse=True)
    results: dict[str, Outcome] = {}
    for entry in journey.entries.values():
        results["entry:" + entry.event_id] = credit(clicks, "entry", entry)
    for action in journey.actions.values():
        results[f"{action.action}:{action.event_id}"] = credit(clicks, action.action, action)
    if journey.steps:
        for order_id, order in orders(journey.steps.values()).items():
            results["order:" + order_id] = credit_order(clicks, order)
    return Outcomes(clicks, results)


def judge(click: Click, policies: PolicySet) -> JudgedClick:
    """Accept or refuse a click by the policy in force at its time."""
    terms = policies.terms(click)
    return JudgedClick(click, terms, terms.refuses(click.at_ms))


def credit(clicks: list[JudgedClick], stage: Stage, fact: Entry | Action) -> Outcome:
    """Credit the greatest candidate; `clicks` descend."""
    place, judged = furthest(clicks, stage, fact.platform, fact.merchant_id, fact.at_ms)
    if judged is None:
        return Outcome(
            stage, "refused", "no_click", fact.platform, fact.merchant_id, fact.at_ms, None, None, None, None
        )
    click, terms = judged.click, judged.terms
    final_at_ms = fact.at_ms + terms.greatest_lead_ms
    if place is None:
        return Outcome(
            stage,
            "credited",
            None,
            fact.platform,
            fact.merchant_id,
            fact.at_ms,
            click,
            None,
            terms.version,
            final_at_ms,
        )
    return Outcome(
        stage, "refused", place, fact.platform, fact.merchant_id, fact.at_ms, None, click, terms.version, final_at_ms
    )


def credit_order(clicks: list[JudgedClick], order: Order) -> Outcome:
    """Credit an order by its base; without a payment, closed or frozen it waits or is withdrawn."""
    base = order.base
    place, judged = furthest(clicks, "order", base.platform, base.merchant_id, base.at_ms)
    state: State = "refused"
    reason: Reason | None = place
    if judged is None:
        reason = "no_click"
    elif place is None:
        state, reason = life(order)
    credited = state == "credited"
    return Outcome(
        kind="order",
        state=state,
        reason=reason,
        platform=base.platform,
        merchant_id=base.merchant_id,
        at_ms=base.at_ms,
        winner=judged.click if judged and place is None else None,
        nearest=judged.click if judged and place is not None else None,
        policy_version=judged.terms.version if judged else None,
        final_at_ms=base.at_ms + judged.terms.greatest_lead_ms if judged else None,
        order_id=base.order_id,
        status=order.status,
        gross_minor=order.amount_minor if credited else 0,
        refunded_minor=order.refunded_minor if credited else 0,
        currency=base.currency,
        mismatched=order.mismatched,
    )


def life(order: Order) -> tuple[State, Reason | None]:
    """Where an order with a candidate stands in its life."""
    if order.closed:
        return "withdrawn", "order_closed"
    if not order.paid:
        return "pending", "not_paid"
    if order.frozen:
        return "held", "order_frozen"
    return "credited", None


def furthest(
    clicks: list[JudgedClick], stage: Stage, platform: str, merchant_id: str, at_ms: int
) -> tuple[Reason | None, JudgedClick | None]:
    """The greatest candidate with None, or the click that came furthest with what stopped it.

    `clicks` descend, so the first of those that came equally far is the greatest of them.
    """
    best: JudgedClick | None = None
    rank, reason = 0, None
    for judged in clicks:
        stopped = hindrance(judged, stage, platform, merchant_id, at_ms)
        if stopped is None:
            return None, judged
        if FURTHER[stopped] > rank:
            best, reason, rank = judged, stopped, FURTHER[stopped]
    return reason, best


FURTHER: dict[Reason, int] = {"other_shop": 1, "before_click": 2, "window_passed": 3, "click_refused": 4}


def hindrance(judged: JudgedClick, stage: Stage, platform: str, merchant_id: str, at_ms: int) -> Reason | None:
    """Why a click is no candidate for a fact of a shop at a time, or None if it is one."""
    click, terms = judged.click, judged.terms
    if click.platform != platform or click.merchant_id != merchant_id:
        return "other_shop"
    if at_ms < click.at_ms - terms.lead_ms:
        return "before_click"
    if at_ms >= click.at_ms + terms.windows_ms[stage]:
        return "window_passed"
    if judged.refusal is not None:
        return "click_refused"
    return None
