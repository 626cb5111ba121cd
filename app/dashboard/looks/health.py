"""How the system is, from what Redis holds."""

from typing import Final

import msgspec

from app.dashboard.views.health import Health, LaneState, PolicyState
from app.viewing.model import ReadModel
from streams.core.policy import Policy, parse_policy

NOW: Final = "now"
PAST: Final = "past"
TO_COME: Final = "to_come"


async def look_at_health(model: ReadModel) -> Health:
    """Lanes, policies and ledger at this moment."""
    reader, now_ms = model.reader, model.clock()
    overviews, waiting = await reader.lanes(), await reader.waiting()
    lanes = [
        LaneState(
            lane=one.lane,
            metric=one.lane >= reader.namespace.partitions,
            commits=one.tip.sequence,
            absorbed=sum(one.positions.values()),
            waiting=len(one.outbox),
            parked=sum(end - start for spans in one.parked.values() for start, end in spans),
            policies=one.policies,
            behind_ms=now_ms - one.newest_ms if one.newest_ms else None,
            behind=waiting.get(one.lane),
        )
        for one in overviews
    ]
    return Health(lanes, policies_of(reader.namespace.in_force, now_ms), await reader.ledger(), now_ms)


def policies_of(texts: dict[int, str], now_ms: int) -> list[PolicyState]:
    """All policies of a namespace, the latest first, and which of them counts clicks that are made now."""
    policies = [parse_policy(msgspec.json.decode(text)) for text in texts.values()]
    ordered = sorted(policies, key=lambda one: (one.effective_from_ms, one.version), reverse=True)
    begun = [one for one in ordered if one.effective_from_ms <= now_ms]
    current = begun[0] if begun else ordered[-1] if ordered else None
    return [_told(one, NOW if one is current else PAST if one in begun else TO_COME) for one in ordered]


def _told(policy: Policy, state: str) -> PolicyState:
    windows = {stage: text or "" for stage, text in msgspec.structs.asdict(policy.windows).items()}
    return PolicyState(policy.version, policy.effective_from_ms, state, policy.model, windows, policy.lead)
