"""What a record says of a cause: what comes first, who is affected, and the id of its alert."""

from hashlib import blake2b
from typing import Final

from app.alerts.causes import Cause
from app.alerts.conditions import FUNNEL, Condition

NAMED: Final = 10  # affected scopes in a record


def first_of(cause: Cause) -> Condition:
    """Of all that is wrong what is told: of the cause's own scope, the first broken step, the surest of it."""

    def place(one: Condition) -> tuple[int, float, str]:
        funnel = FUNNEL.index(one.metric) if one.metric in FUNNEL else len(FUNNEL)
        return funnel, -abs(one.relative), one.rule

    return min(own_of(cause), key=place)


def own_of(cause: Cause) -> list[Condition]:
    """What is said of the cause's own scope; of a group, that of its notes."""
    return [one for one in cause.conditions if one.scope == cause.scope] or cause.conditions


def affected_of(cause: Cause) -> list[str]:
    """The other scopes that it explains, the worst first, as far as a record names them."""
    return list(dict.fromkeys(str(one.scope) for one in cause.conditions if one.scope != cause.scope))[:NAMED]


def alert_id_of(cause: Cause, at_ms: int) -> str:
    """The same wherever and however often it is computed: a crash makes no second alert."""
    text = f"{cause.family} {cause.scope} {at_ms}"
    return blake2b(text.encode(), digest_size=8).hexdigest()
