"""Terms: what the policies in force say about a click."""

from bisect import bisect_right
from collections.abc import Iterable

import msgspec

from streams.core.facts import Click
from streams.core.policy import Gate, Openness, Override, Platform, Policy, Refusal, Windows, ancestry, duration_ms


class Terms(msgspec.Struct, frozen=True):
    """What one policy says about all clicks of one campaign, category, platform, note kind and link."""

    version: int
    refusal: Refusal | None  # but for the gates
    gates: tuple[Gate, ...]
    lead_ms: int
    windows_ms: dict[str, int]  # by stage
    greatest_lead_ms: int  # anywhere in the policy

    def refuses(self, at_ms: int) -> Refusal | None:
        """Why a click at that time is refused, or None."""
        if (
            self.gates
            and self.refusal in (None, "link_unauthorised")
            and any(gate.closed(at_ms) for gate in self.gates)
        ):
            return "gate_closed"
        return self.refusal


class PolicySet:
    """Policies that are in force together.  Immutable; remembers the terms it has worked out."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        ordered = sorted(policies, key=lambda policy: (policy.effective_from_ms, policy.version))
        if not ordered:
            raise ValueError("a policy set needs at least one policy")
        self.policies = tuple(ordered)
        self.versions = sorted(policy.version for policy in ordered)
        self.journey_ttl_ms = max(max(policy.windows_ms()) + duration_ms(policy.retention_slack) for policy in ordered)
        self.order_ttl_ms = max(self.journey_ttl_ms, *(duration_ms(policy.order_life) for policy in ordered))
        self._starts = [policy.effective_from_ms for policy in ordered]
        self._terms: dict[tuple[object, ...], Terms] = {}

    def terms(self, click: Click) -> Terms:
        """The terms of a click, by the policy in force at its time."""
        # Before the first start the earliest policy holds.
        index = bisect_right(self._starts, max(click.at_ms, self._starts[0])) - 1
        key = (index, click.campaign_id, click.category, click.platform, click.note_kind, click.link)
        terms = self._terms.get(key)
        if terms is None:
            if len(self._terms) >= 100_000:  # ids come from outside: memory must not grow with them for ever
                self._terms.clear()
            terms = self._terms[key] = work_out(self.policies[index], click)
        return terms


def work_out(policy: Policy, click: Click) -> Terms:
    """Look up everything that a policy says about clicks like this one."""
    lookups = _lookups(policy, click)
    return Terms(
        version=policy.version,
        refusal=_refusal(policy, click),
        gates=tuple(gate for gate in policy.gates if gate.fits(click)),
        lead_ms=next(duration_ms(value.lead) for value in lookups if value.lead is not None),
        windows_ms={stage: _window_ms(lookups, stage) for stage in Windows.__struct_fields__},
        greatest_lead_ms=max(policy.leads_ms()),
    )


def _lookups(policy: Policy, click: Click) -> list[Policy | Platform | Override]:
    """Where lead and each window are looked up, in turn: campaign, category and its ancestors, platform, top."""
    places: list[Policy | Platform | Override | None] = [
        policy.campaigns.get(click.campaign_id) if click.campaign_id else None,
        *(policy.categories.get(category) for category in ancestry(click.category)),
        policy.platforms.get(click.platform),
        policy,
    ]
    return [place for place in places if place is not None]


def _window_ms(lookups: list[Policy | Platform | Override], stage: str) -> int:
    return next(duration_ms(text) for place in lookups if (text := getattr(place.windows, stage)) is not None)


def _refusal(policy: Policy, click: Click) -> Refusal | None:
    platform = policy.platforms.get(click.platform)
    if platform is None:
        return "platform_unknown"
    if not _open(platform.industries, policy.industries, category=click.category):
        return "category_closed"
    allowed = any(
        line.link == click.link
        and ("*" in line.kinds or click.note_kind in line.kinds)
        and ("*" in line.platforms or click.platform in line.platforms)
        for line in policy.links
    )
    return None if allowed else "link_unauthorised"


def _open(*listings: dict[str, Openness], category: str) -> bool:
    """The first listing that has the category, its nearest listed ancestor or "*" decides; none: closed."""
    for listing in listings:
        for name in (*ancestry(category), "*"):
            if name in listing:
                return listing[name] == "open"
    return False
