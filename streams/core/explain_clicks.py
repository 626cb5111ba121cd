"""What the policy of a click says about it, and where in the policy that is written."""

from typing import Literal, TypeAlias

import msgspec

from streams.core.facts import Click
from streams.core.policy import (
    Gate,
    Openness,
    Override,
    Platform,
    Policy,
    Refusal,
    Stage,
    Windows,
    ancestry,
    duration_ms,
)

Source: TypeAlias = Literal["campaign", "category", "platform", "top"]


class Setting(msgspec.Struct, frozen=True):
    """A window or lead, and the place in the policy that sets it."""

    ms: int
    source: Source
    name: str | None  # of the campaign, category or platform


class Industry(msgspec.Struct, frozen=True):
    """The line of industries that closes a category; without a name there is none that fits."""

    source: Literal["platform", "top"]
    name: str | None


class ClickStory(msgspec.Struct, frozen=True, kw_only=True):
    """A click, whether it was accepted, and what it won."""

    click_id: str
    note_id: str
    policy_version: int
    refusal: Refusal | None
    listed: list[str] = []  # platform_unknown: those that the policy lists
    industry: Industry | None = None  # category_closed
    gate: Gate | None = None  # gate_closed: the first that stands in the way
    lead: Setting
    windows: dict[Stage, Setting]
    won: list[str]  # result ids, also of orders that wait or were withdrawn


def story_of_click(click: Click, policy: Policy, won: list[str]) -> ClickStory:
    """Judge a click by the policy of its time."""
    refusal: Refusal | None = None
    listed: list[str] = []
    industry = gate = None
    if click.platform not in policy.platforms:
        refusal, listed = "platform_unknown", sorted(policy.platforms)
    elif industry := closed_industry(policy, click):
        refusal = "category_closed"
    elif gate := next((gate for gate in policy.gates if gate.fits(click) and gate.closed(click.at_ms)), None):
        refusal = "gate_closed"
    elif not _link_allowed(policy, click):
        refusal = "link_unauthorised"
    return ClickStory(
        click_id=click.event_id,
        note_id=click.note_id,
        policy_version=policy.version,
        refusal=refusal,
        listed=listed,
        industry=industry,
        gate=gate,
        lead=setting(policy, click, "lead"),
        windows={stage: setting(policy, click, stage) for stage in ("entry", "favourite", "cart", "order")},
        won=won,
    )


def setting(policy: Policy, click: Click, value: Stage | Literal["lead"]) -> Setting:
    """The window of a stage, or the lead, that holds for a click: campaign, category or ancestor, platform, top."""
    if (found := policy.campaigns.get(click.campaign_id or "")) and (text := _own(found, value)):
        return Setting(duration_ms(text), "campaign", click.campaign_id)
    for category in ancestry(click.category):
        if (found := policy.categories.get(category)) and (text := _own(found, value)):
            return Setting(duration_ms(text), "category", category)
    if (platform := policy.platforms.get(click.platform)) and (text := _own(platform, value)):
        return Setting(duration_ms(text), "platform", click.platform)
    return Setting(duration_ms(_own(policy, value) or "0s"), "top", None)


def closed_industry(policy: Policy, click: Click) -> Industry | None:
    """The line that closes the click's category on its platform, which is listed; None: it is open."""
    listings: list[tuple[Literal["platform", "top"], dict[str, Openness]]] = [
        ("platform", policy.platforms[click.platform].industries),
        ("top", policy.industries),
    ]
    for source, listing in listings:
        for name in (*ancestry(click.category), "*"):
            if name in listing:
                return None if listing[name] == "open" else Industry(source, name)
    return Industry("top", None)


def _own(place: Policy | Platform | Override, value: Stage | Literal["lead"]) -> str | None:
    windows: Windows = place.windows
    text: str | None = place.lead if value == "lead" else getattr(windows, value)
    return text


def _link_allowed(policy: Policy, click: Click) -> bool:
    return any(
        line.link == click.link
        and ("*" in line.kinds or click.note_kind in line.kinds)
        and ("*" in line.platforms or click.platform in line.platforms)
        for line in policy.links
    )
