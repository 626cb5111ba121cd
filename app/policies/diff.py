"""`redcat policy diff`: what two sets of policies make of the same clicks, compared by meaning and not by text."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from app.policies.diff_boxes import ALL, OTHER, Name, Scope, boxes, scope_of
from app.policies.diff_meaning import Closed, allowed, closed, looked_up, openness, own
from streams.core.policy import Policy, Windows
from streams.core.terms import PolicySet

What: TypeAlias = Literal["platform", "lead", "window", "industry", "link", "gate", "final"]

Value: TypeAlias = "int | str | bool | Closed | None"

UNSAID: Final = {"industry": "closed", "link": False, "gate": ()}
"""What holds on a platform that was not listed before unless something else is said."""


class Change(NamedTuple):
    """What is another for some clicks.

    A category stands for itself and what is below it; all platforms are those that both list.
    """

    what: What
    before: Value  # None: the platform was not listed
    after: Value
    stage: str | None = None
    origin: tuple[str, str] | None = None  # of link and note kind
    platforms: Scope = ALL
    categories: Scope = ALL
    campaigns: Scope = ALL


class Period(NamedTuple):
    """Clicks of one time, and how they are judged otherwise."""

    from_ms: int | None
    to_ms: int | None
    before: int  # version
    after: int
    changes: list[Change]


class Kept(NamedTuple):
    """How long journeys are kept."""

    journey_ms: int
    order_ms: int


class Difference(NamedTuple):
    """All that differs between two sets of policies."""

    periods: list[Period]
    rewritten: list[int]  # versions that are in both with different contents
    kept: tuple[Kept, Kept] | None

    def __bool__(self) -> bool:
        return bool(self.periods or self.rewritten or self.kept)


def difference(before: Sequence[Policy], after: Sequence[Policy]) -> Difference:
    """What changes when `after` is in force instead of `before`."""
    old, new = _timeline(before), _timeline(after)
    bounds = sorted({start for start in (*old, *new) if start is not None})
    periods: list[Period] = []
    for begin, end in zip((None, *bounds), (*bounds, None), strict=True):
        p, q = _at(old, begin), _at(new, begin)
        period = Period(begin, end, p.version, q.version, list(_changes(p, q, begin, end)))
        if period.changes or p.version != q.version:
            periods.append(period)
    kept = _kept(before), _kept(after)
    versions = {policy.version: policy for policy in before}
    rewritten = sorted(policy.version for policy in after if versions.get(policy.version, policy) != policy)
    return Difference(periods, rewritten, kept if kept[0] != kept[1] else None)


def _timeline(policies: Sequence[Policy]) -> dict[int | None, Policy]:
    """By the beginning of its time in force the policy that is; the first has no beginning."""
    ordered = sorted(policies, key=lambda policy: (policy.effective_from_ms, policy.version))
    starts = {policy.effective_from_ms: policy for policy in ordered}
    first = min(starts)
    return {None if start == first else start: policy for start, policy in starts.items()}


def _at(timeline: Mapping[int | None, Policy], begin: int | None) -> Policy:
    return timeline[max((start for start in timeline if start is not None and start <= (begin or 0)), default=None)]


def _kept(policies: Sequence[Policy]) -> Kept:
    together = PolicySet(policies)
    return Kept(together.journey_ttl_ms, together.order_ttl_ms)


def _changes(p: Policy, q: Policy, begin: int | None, end: int | None) -> Iterator[Change]:
    if p == q:
        return
    common = [platform for platform in q.platforms if platform in p.platforms]
    fresh = [platform for platform in q.platforms if platform not in p.platforms]
    gone = [platform for platform in p.platforms if platform not in q.platforms]
    yield from _on(p, q, common, (begin, end))
    for platforms, listed in ((gone, False), (fresh, True)):
        if platforms:
            yield Change("platform", not listed, listed, platforms=Scope(tuple(platforms)))
    for change in _on(p, q, fresh, (begin, end)):
        if change.after != UNSAID.get(change.what):
            yield change._replace(platforms=Scope(tuple(fresh)) if change.platforms == ALL else change.platforms)
    if max(p.leads_ms()) != max(q.leads_ms()):
        yield Change("final", max(p.leads_ms()), max(q.leads_ms()))


def _on(p: Policy, q: Policy, platforms: list[str], period: tuple[int | None, int | None]) -> Iterator[Change]:
    """The changes on platforms that both list, or that only the second lists."""
    for stage in (None, *Windows.__struct_fields__):
        yield from _settings(p, q, stage, platforms)
    yield from _industries(p, q, platforms)
    yield from _links(p, q, platforms)
    yield from _gates(p, q, platforms, period)


def _settings(p: Policy, q: Policy, stage: str | None, platforms: list[str]) -> Iterator[Change]:
    """Changes of the window of a stage, or of the lead."""
    campaigns = [*_setting(p.campaigns, q.campaigns, stage), OTHER]
    categories = [*_setting(p.categories, q.categories, stage), OTHER]

    def values(cell: tuple[Name, ...]) -> tuple[int | None, int | None]:
        return looked_up(p, stage, cell), looked_up(q, stage, cell)

    for (of_campaigns, of_categories, of_platforms), (before, after) in boxes(
        [campaigns, categories, platforms], values
    ):
        yield Change(
            "window" if stage else "lead",
            before,
            after,
            stage,
            platforms=scope_of(of_platforms, platforms),
            categories=scope_of(of_categories, categories),
            campaigns=scope_of(of_campaigns, campaigns),
        )


def _setting(some: Mapping[str, Any], others: Mapping[str, Any], stage: str | None) -> list[str]:
    """The names under which one of two policies sets a window or the lead."""
    names = dict.fromkeys((*some, *others))
    return [
        name for name in names if any(name in group and own(group[name], stage) is not None for group in (some, others))
    ]


def _industries(p: Policy, q: Policy, platforms: list[str]) -> Iterator[Change]:
    listings = [policy.industries for policy in (p, q)]
    listings += [platform.industries for policy in (p, q) for platform in policy.platforms.values()]
    categories = [*dict.fromkeys(name for listing in listings for name in listing if name != "*"), OTHER]

    def values(cell: tuple[Name, ...]) -> tuple[str | None, str | None]:
        return openness(p, cell), openness(q, cell)

    for (of_categories, of_platforms), (before, after) in boxes([categories, platforms], values):
        yield Change(
            "industry",
            before,
            after,
            platforms=scope_of(of_platforms, platforms),
            categories=scope_of(of_categories, categories),
        )


def _links(p: Policy, q: Policy, platforms: list[str]) -> Iterator[Change]:
    for origin in product(("note", "comment"), ("ad", "ugc")):

        def values(cell: tuple[Name, ...], origin: tuple[str, str] = origin) -> tuple[bool | None, bool | None]:
            return allowed(p, origin, cell[0]), allowed(q, origin, cell[0])

        for (of_platforms,), (before, after) in boxes([platforms], values):
            yield Change("link", before, after, origin=origin, platforms=scope_of(of_platforms, platforms))


def _gates(p: Policy, q: Policy, platforms: list[str], period: tuple[int | None, int | None]) -> Iterator[Change]:
    named = (gate.category for policy in (p, q) for gate in policy.gates if gate.category != "*")
    categories = [*dict.fromkeys(named), OTHER]

    def values(cell: tuple[Name, ...]) -> tuple[Closed | None, Closed | None]:
        return closed(p, cell, period), closed(q, cell, period)

    for (of_categories, of_platforms), (before, after) in boxes([categories, platforms], values):
        yield Change(
            "gate",
            before,
            after,
            platforms=scope_of(of_platforms, platforms),
            categories=scope_of(of_categories, categories),
        )
