"""What one policy says about clicks of a campaign, category and platform; None stands for one that nobody names."""

from typing import Any, TypeAlias

from app.policies.diff_boxes import Name
from streams.core.policy import Openness, Platform, Policy, ancestry, duration_ms

Closed: TypeAlias = tuple[tuple[int | None, int | None], ...]
"""Times in which a gate is closed; None: the beginning or end of the period."""


def own(place: Any, stage: str | None) -> str | None:
    """The window of a stage, or without one the lead, that a place sets for itself."""
    text: str | None = getattr(place.windows, stage) if stage else place.lead
    return text


def looked_up(policy: Policy, stage: str | None, cell: tuple[Name, ...]) -> int | None:
    """The window of a stage, or without one the lead, in ms, of (campaign, category, platform); None: not listed."""
    campaign, category, platform = cell
    if platform not in policy.platforms:
        return None
    places = (
        policy.campaigns.get(campaign or ""),
        *(policy.categories.get(name) for name in _lineage(category)),
        policy.platforms[platform],
        policy,
    )
    return next(duration_ms(text) for place in places if place is not None and (text := own(place, stage)) is not None)


def openness(policy: Policy, cell: tuple[Name, ...]) -> Openness | None:
    """Whether (category, platform) is open; None: not listed."""
    category, name = cell
    platform: Platform | None = policy.platforms.get(name or "")
    if platform is None:
        return None
    for listing in (platform.industries, policy.industries):
        for listed in (*_lineage(category), "*"):
            if listed in listing:
                return listing[listed]
    return "closed"


def allowed(policy: Policy, origin: tuple[str, str], platform: Name) -> bool | None:
    """Whether links of this kind, on notes of that kind, may lead to the platform; None: not listed."""
    if platform not in policy.platforms:
        return None
    link, kind = origin
    return any(
        line.link == link
        and ("*" in line.kinds or kind in line.kinds)
        and ("*" in line.platforms or platform in line.platforms)
        for line in policy.links
    )


def closed(policy: Policy, cell: tuple[Name, ...], period: tuple[int | None, int | None]) -> Closed | None:
    """When, within the period, gates are closed for (category, platform), joined where they touch; None: not listed."""
    category, platform = cell
    if platform not in policy.platforms:
        return None
    names, lowest, highest = {*_lineage(category), "*"}, period[0] or 0, 2**63 if period[1] is None else period[1]
    spans: list[tuple[int, int]] = []
    for gate in sorted(policy.gates, key=lambda gate: gate.closed_from_ms):
        begin = max(gate.closed_from_ms, lowest)
        end = highest if gate.closed_to_ms is None else min(gate.closed_to_ms, highest)
        if gate.category not in names or gate.platform not in ("*", platform) or begin >= end:
            continue
        if spans and begin <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], end)
        else:
            spans.append((begin, end))
    return tuple((None if a == lowest else a, None if b == highest else b) for a, b in spans)


def _lineage(category: Name) -> list[str]:
    return [] if category is None else ancestry(category)
