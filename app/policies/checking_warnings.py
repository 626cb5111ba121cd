"""What stands in good policies and yet has no effect, or hardly the one that was meant."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from app.policies.checking_documents import Document, Path
from app.policies.checking_fixes import nearest, time_text
from app.policies.checking_walk import Finding
from streams.core.policy import AllowedLink, Gate, Override, Platform, Policy, Windows, ancestry, duration_ms

SECONDS: Final = range(10**8, 10**11)
"""Numbers that are a time of our days if they are read as seconds, and January 1970 as milliseconds."""


class Said(NamedTuple):
    """A warning without its place."""

    code: str
    path: Path
    values: dict[str, str]
    fix: str | None = None


def warnings(written: Sequence[tuple[Policy, Document]]) -> list[Finding]:
    """The warnings about policies that form one set; of a version given twice the first one is looked at."""
    firsts = {policy.version: (policy, document) for policy, document in reversed(written)}
    ordered = sorted(firsts.values(), key=lambda one: (one[0].effective_from_ms, one[0].version))
    successors = {earlier[0].version: later[0] for earlier, later in pairwise(ordered)}
    findings = []
    for index, (policy, document) in enumerate(ordered):
        successor = successors.get(policy.version)
        for said in (*_of_times(policy, successor, earliest=not index), *_of_rules(policy), *_of_values(policy)):
            place = document.names.get(said.path) or document.values.get(said.path) or document.values.get(())
            findings.append(Finding("warning", said.code, document.number, said.path, place, said.values, said.fix))
    return findings


def _of_times(policy: Policy, successor: Policy | None, *, earliest: bool) -> Iterator[Said]:
    """What lies outside the time in which the policy is in force, or was written in seconds."""
    begin_ms = policy.effective_from_ms
    if begin_ms in SECONDS:
        yield Said("seconds", ("effective_from_ms",), {"shown": str(begin_ms), "right": str(begin_ms * 1000)}, "write")
    if successor is not None and successor.effective_from_ms == begin_ms:
        yield Said("never", ("version",), {"version": str(policy.version), "other": str(successor.version)})
        return
    for index, gate in enumerate(policy.gates):
        for name in ("closed_from_ms", "closed_to_ms"):
            value = getattr(gate, name)
            if value is not None and value in SECONDS:
                yield Said(
                    "seconds", ("gates", index, name), {"shown": str(value), "right": str(value * 1000)}, "write"
                )
        if successor is not None and gate not in successor.gates:
            values = {"version": str(successor.version), "from": time_text(successor.effective_from_ms)}
            if gate.closed_from_ms >= successor.effective_from_ms:
                yield Said("gate_late", ("gates", index), values, "into")
            elif gate.closed_to_ms is None or gate.closed_to_ms > successor.effective_from_ms:
                yield Said("gate_cut", ("gates", index), values, "into")
        if not earliest and gate.closed_to_ms is not None and gate.closed_to_ms <= begin_ms:
            yield Said("gate_early", ("gates", index), {"from": time_text(begin_ms)})


def _of_rules(policy: Policy) -> Iterator[Said]:
    """Gates, links and overrides that nothing reaches."""
    for name in ("platforms", "links"):
        if not getattr(policy, name):
            yield Said(f"no_{name}", (name,), {})
    for index, gate in enumerate(policy.gates):
        yield from _of_gate(policy, gate, ("gates", index))
    for index, line in enumerate(policy.links):
        yield from _of_link(policy, index, line)
    for platform in policy.platforms:
        if not _open_somewhere(policy, [platform], None):
            yield Said("platform_closed", ("platforms", platform), {"platform": platform})
    for category in policy.categories if policy.platforms else ():
        path = ("categories", category)
        if not _open_somewhere(policy, list(policy.platforms), category):
            yield Said("category_closed", path, {"category": category})
        elif not _named(policy, category):
            yield _category_unknown(policy, category, path)


def _of_gate(policy: Policy, gate: Gate, path: Path) -> Iterator[Said]:
    if gate.platform != "*" and gate.platform not in policy.platforms:
        yield _unlisted(policy, gate.platform, (*path, "platform"))
        return
    platforms = list(policy.platforms) if gate.platform == "*" else [gate.platform]
    if gate.category == "*":
        return
    if not _open_somewhere(policy, platforms, gate.category):
        yield Said("gate_closed_anyway", (*path, "category"), {"category": gate.category})
    elif not _named(policy, gate.category) and nearest(gate.category, _names(policy)):
        yield _category_unknown(policy, gate.category, (*path, "category"))


def _of_link(policy: Policy, index: int, line: AllowedLink) -> Iterator[Said]:
    path: Path = ("links", index)
    for name in ("kinds", "platforms"):
        if not getattr(line, name):
            yield Said("link_empty", (*path, name), {"name": name})
    for number, platform in enumerate(line.platforms):
        if platform != "*" and platform not in policy.platforms:
            yield _unlisted(policy, platform, (*path, "platforms", number))
    for number, earlier in enumerate(policy.links[:index], 1):
        if line.kinds and line.platforms and _covers(earlier, line):
            yield Said("link_again", path, {"other": str(number)})
            return


def _of_values(policy: Policy) -> Iterator[Said]:
    """Windows of nothing, and overrides that set nothing."""
    yield from _zeros(policy.windows, ())
    for group in ("platforms", "categories", "campaigns"):
        overrides: dict[str, Platform | Override] = getattr(policy, group)
        for name, override in overrides.items():
            yield from _zeros(override.windows, (group, name))
            if group != "platforms" and override == Override():
                yield Said("override_empty", (group, name), {"name": name})
    longest = max(policy.windows_ms()) + duration_ms(policy.retention_slack)
    if duration_ms(policy.order_life) < longest:
        yield Said("order_life_short", ("order_life",), {"shown": policy.order_life})


def _zeros(windows: Windows, path: Path) -> Iterator[Said]:
    for stage, window in msgspec.structs.asdict(windows).items():
        if window is not None and duration_ms(window) == 0:
            yield Said("window_zero", (*path, "windows", stage), {"stage": stage})


def _unlisted(policy: Policy, platform: str, path: Path) -> Said:
    close = nearest(platform, policy.platforms)
    values = {"platform": platform, "nearest": close or "", "known": ", ".join(policy.platforms)}
    return Said("platform_unlisted", path, values, "nearest" if close else "known")


def _category_unknown(policy: Policy, category: str, path: Path) -> Said:
    close = nearest(category, _names(policy))
    return Said("category_unknown", path, {"category": category, "nearest": close or ""}, "nearest" if close else None)


def _names(policy: Policy) -> list[str]:
    """The categories that industries name."""
    listings = (policy.industries, *(platform.industries for platform in policy.platforms.values()))
    return [name for listing in listings for name in listing if name != "*"]


def _named(policy: Policy, category: str) -> bool:
    """Whether industries name the category, one above it or one below it."""
    return any(name in ancestry(category) or category in ancestry(name) for name in _names(policy))


def _open_somewhere(policy: Policy, platforms: list[str], category: str | None) -> bool:
    """Whether any of the platforms is open for the category, or for one below it; None: for any category."""
    below = [name for name in _names(policy) if category is None or category in ancestry(name)]
    asked = [*below, "*" if category is None else category]
    return any(_is_open(policy, policy.platforms[platform], name) for platform in platforms for name in asked)


def _is_open(policy: Policy, platform: Platform, category: str) -> bool:
    for listing in (platform.industries, policy.industries):
        for name in (*ancestry(category), "*"):
            if name in listing:
                return listing[name] == "open"
    return False


def _covers(earlier: AllowedLink, line: AllowedLink) -> bool:
    """Whether an earlier line allows all that this one does."""
    return earlier.link == line.link and all(
        "*" in getattr(earlier, name) or set(getattr(line, name)) <= set(getattr(earlier, name))
        for name in ("kinds", "platforms")
    )
