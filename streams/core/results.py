"""Results: what is published about an entry, action or order, and when it changes."""

from typing import Literal, TypeAlias

import msgspec

from streams.core.credit import Outcome, Outcomes, Reason
from streams.core.facts import Action, Entry, Link, NoteKind, Status, Step
from streams.core.journey import Journey
from streams.core.policy import Stage

Published: TypeAlias = Literal["credited", "refused", "pending", "held", "withdrawn", "void"]


class Result(msgspec.Struct, frozen=True, gc=False):
    """One record of the topic `conversion`; (token, result_id) is its identity, the greatest revision the truth."""

    result_id: str
    revision: int
    kind: Stage
    outcome: Published
    reason: Reason | Literal["superseded"] | None
    token: str
    platform: str | None = None
    merchant_id: str | None = None
    at_ms: int | None = None
    note_id: str | None = None
    note_kind: NoteKind | None = None
    link: Link | None = None
    campaign_id: str | None = None
    creator_id: str | None = None
    poster_id: str | None = None
    boost_id: str | None = None
    category: str | None = None
    click_id: str | None = None
    click_at_ms: int | None = None
    nearest_note_id: str | None = None
    nearest_click_id: str | None = None
    order_id: str | None = None
    status: Status | None = None
    gross_minor: int = 0
    refunded_minor: int = 0
    net_minor: int = 0
    currency: str | None = None
    policy_version: int | None = None
    final_at_ms: int | None = None


def changed(token: str, before: Outcomes | None, after: Outcomes, revision: int) -> list[Result]:
    """The results that differ in any field but the revision, void ones for identities that ceased to exist."""
    if before is None:
        return [result_of(token, result_id, outcome, revision) for result_id, outcome in after.results.items()]
    changes = []
    for result_id, outcome in after.results.items():
        known = before.results.get(result_id)
        # Outcomes hold whole clicks, so unequal ones can still mean the same result.
        if known != outcome and (known is None or not _same_result(token, result_id, known, outcome)):
            changes.append(result_of(token, result_id, outcome, revision))
    changes += [void(token, gone, revision) for gone in before.results if gone not in after.results]
    return changes


def _same_result(token: str, result_id: str, known: Outcome, outcome: Outcome) -> bool:
    return result_of(token, result_id, known, 0) == result_of(token, result_id, outcome, 0)


def result_of(token: str, result_id: str, outcome: Outcome, revision: int) -> Result:
    """What is published about an outcome."""
    winner, nearest = outcome.winner, outcome.nearest
    if winner is None:
        return Result(
            result_id, revision, outcome.kind, outcome.state, outcome.reason, token,
            outcome.platform, outcome.merchant_id, outcome.at_ms,
            nearest_note_id=nearest.note_id if nearest else None,
            nearest_click_id=nearest.event_id if nearest else None,
            order_id=outcome.order_id, status=outcome.status, currency=outcome.currency,
            policy_version=outcome.policy_version, final_at_ms=outcome.final_at_ms,
        )  # fmt: skip
    return Result(
        result_id, revision, outcome.kind, outcome.state, outcome.reason, token,
        outcome.platform, outcome.merchant_id, outcome.at_ms,
        winner.note_id, winner.note_kind, winner.link, winner.campaign_id, winner.creator_id, winner.poster_id,
        winner.boost_id, winner.category, winner.event_id, winner.at_ms, None, None,
        outcome.order_id, outcome.status, outcome.gross_minor, outcome.refunded_minor,
        outcome.gross_minor - outcome.refunded_minor, outcome.currency, outcome.policy_version, outcome.final_at_ms,
    )  # fmt: skip


def void(token: str, result_id: str, revision: int) -> Result:
    """An identity that ceased to exist because a conflicting record won."""
    kind: Stage = result_id.partition(":")[0]  # type: ignore[assignment]
    return Result(result_id, revision, kind, "void", "superseded", token)


def void_identities(journey: Journey, after: Outcomes) -> set[str]:
    """Identities that only lost contents would make; one of them may have been published once."""
    made = set()
    for fact in journey.lost:
        if isinstance(fact, Step):
            made.add("order:" + fact.order_id)
        elif isinstance(fact, Action):
            made.add(f"{fact.action}:{fact.event_id}")
        elif isinstance(fact, Entry):
            made.add("entry:" + fact.event_id)
    return made - after.results.keys()
