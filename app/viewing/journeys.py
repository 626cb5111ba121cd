"""An explained journey as far as a party may see it.  Pure.

A merchant and a platform see what happened at their own shops and the clicks that led there.  The community sees the
clicks, which are its own, and of what followed only the part of its in-app shop.  What a party does not see is taken
out of the journey *before* it is explained: so the story it is told is the one of a journey that never had it.  What
counts does not differ by that, because only clicks to the same shop are ever candidates; but a fact that is refused
while the token has a click to another shop reads `no_click` instead of `other_shop`.
"""

from typing import Any, Final

import msgspec

from app.explaining.explanation import Explained, Held, explained_journey
from app.viewing.party import Party
from streams.core.credit import outcomes
from streams.core.facts import Click, Fact, Step
from streams.core.journey import Journey

IN_APP: Final = "xhs"


def seen_by(party: Party, held: Held) -> Explained | None:
    """The explanation of what of a journey exists for the party; None if that is nothing."""
    if party.kind == "admin":
        return explained_journey(held)
    journey = _part(party, held)
    if not any((journey.clicks, journey.entries, journey.actions, journey.steps, journey.lost)):
        return None
    return explained_journey(held._replace(journey=journey))


def holds_order(found: Explained, order_id: str) -> bool:
    """Whether an explanation tells of an order."""
    return any(result.result_id == f"order:{order_id}" for result in found.explanation.results)


def json_of(found: Explained, party: Party) -> dict[str, Any]:
    """The explanation as JSON tells it.

    How long the journey is kept and under which policies it was computed last also tell when others had to do with it,
    and where it is stored is for operators: these are for the admin.
    """
    told: dict[str, Any] = {"token": found.token}
    if party.kind == "admin":
        told |= {"lane": found.lane, "kept_ms": found.kept_ms, "policies": found.versions}
    return told | {name: value for name, value in msgspec.to_builtins(found.explanation).items() if name != "token"}


def _part(party: Party, held: Held) -> Journey:
    journey = held.journey
    # All steps of an order go with its base, as they do when it is counted.
    orders = {
        outcome.order_id: _of_shop(party, outcome.platform, outcome.merchant_id)
        for outcome in outcomes(journey, held.policies).results.values()
        if outcome.order_id is not None
    }

    def own(fact: Fact) -> bool:
        if isinstance(fact, Click) and party.kind == "xhs":
            return True
        known = orders.get(fact.order_id) if isinstance(fact, Step) else None
        return _of_shop(party, fact.platform, fact.merchant_id) if known is None else known

    part = Journey(
        clicks={event_id: click for event_id, click in journey.clicks.items() if own(click)},
        entries={event_id: entry for event_id, entry in journey.entries.items() if own(entry)},
        actions={event_id: action for event_id, action in journey.actions.items() if own(action)},
        steps={event_id: step for event_id, step in journey.steps.items() if own(step)},
    )
    standing = (part.clicks, part.entries, part.actions, part.steps)
    seen = {(fact.__class__, fact.event_id) for facts in standing for fact in facts.values()}
    # Of a content that lost to one of others there is no story to tell.
    part.lost = [fact for fact in journey.lost if own(fact) and (fact.__class__, fact.event_id) in seen]
    return part


def _of_shop(party: Party, platform: str, merchant_id: str) -> bool:
    return platform == IN_APP if party.kind == "xhs" else party.sees(platform, merchant_id)
