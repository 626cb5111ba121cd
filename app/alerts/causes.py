"""One alert per cause: which of the scopes that are in trouble explains the others, and what is explained by none.

A scope explains another one if the traffic that they share accounts for what is wrong there.  A platform that is down
explains its notes; a note that is down explains the little that its platform misses.  So neither the largest scope is
the cause nor the smallest, but the one that explains most.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from app.alerts.conditions import Condition, Family
from app.alerts.model import SCOPE_KINDS, Metric, Scope

EXPLAINED: Final = 0.6  # of a change: what is left is noise, or too little to be another cause
GROUP: Final = 5  # notes with no cause in common but their surroundings are told together
GROUP_SHARE: Final = 0.3  # of the traffic of the surroundings

STEADY: Final = 2  # how much more another scope must explain to take an alert over


class Place(NamedTuple):
    """A note's surroundings and how much traffic it has."""

    within: tuple[Scope, ...]
    clicks: float


Places: TypeAlias = Mapping[Scope, Place]
"""Of all notes."""


class Cause(NamedTuple):
    """What is wrong in one place, and all that it explains, itself included."""

    family: Family
    scope: Scope
    conditions: list[Condition]


class Live(NamedTuple):
    """The scopes of alerts that are firing, by family, and whether they stand for a group of notes only."""

    scopes: Mapping[tuple[Family, Scope], bool]

    def of(self, family: Family, *, groups: bool = False) -> set[Scope]:
        return {scope for (known, scope), grouped in self.scopes.items() if known == family and (grouped or not groups)}


def causes(conditions: Iterable[Condition], places: Places, live: Live) -> list[Cause]:
    """The causes of bad conditions, each condition under one of them; those of `live` stay if they can."""
    by_family: defaultdict[Family, defaultdict[Scope, list[Condition]]] = defaultdict(lambda: defaultdict(list))
    for condition in conditions:
        by_family[condition.family][condition.scope].append(condition)
    found: list[Cause] = []
    for family, by_scope in sorted(by_family.items()):
        worst = {scope: max(abs(one.relative) for one in some) for scope, some in by_scope.items()}
        explained = _explained(worst, _overlaps(worst.keys(), places))
        groups = live.of(family, groups=True) - worst.keys()
        for scope, members in _grouped(_covers(explained, worst, live.of(family)), places, groups):
            found.append(Cause(family, scope, [one for member in members for one in by_scope[member]]))
    return found


class _Overlaps(NamedTuple):
    """How much traffic scopes have and have in common."""

    clicks: dict[Scope, float]
    shared: dict[tuple[Scope, Scope], float]  # both ways


def _overlaps(scopes: Collection[Scope], places: Places) -> _Overlaps:
    """The traffic of each scope, and what it shares with those of the others that it shares any with."""
    clicks: defaultdict[Scope, float] = defaultdict(float)
    shared: defaultdict[tuple[Scope, Scope], float] = defaultdict(float)
    if len(scopes) < 2:
        return _Overlaps(clicks, shared)
    for note, (within, count) in places.items():
        here = [scope for scope in (note, *within) if scope in scopes]
        for one in here:
            clicks[one] += count
            for other in here:
                if one != other:
                    shared[one, other] += count
    return _Overlaps(clicks, shared)


def _explained(worst: Mapping[Scope, float], overlaps: _Overlaps) -> dict[Scope, set[Scope]]:
    """Of each scope those that it explains, itself among them."""
    explained = {scope: {scope} for scope in worst}
    for (one, other), common in overlaps.shared.items():
        share = common / overlaps.clicks[other] if overlaps.clicks[other] else 0.0
        if share * worst[one] >= EXPLAINED * worst[other]:
            explained[one].add(other)
    return explained


def _covers(
    explained: Mapping[Scope, set[Scope]], worst: Mapping[Scope, float], live: Collection[Scope]
) -> list[tuple[Scope, list[Scope]]]:
    """Scopes that together explain all, taken greedily: each with those that it explains and none before it does."""
    left = set(explained)
    taken: list[tuple[Scope, list[Scope]]] = []

    def merit(scope: Scope) -> tuple[float, float, int, str]:
        covered = len(explained[scope] & left)
        steady = covered * STEADY if scope in live else covered
        return steady, worst[scope], -SCOPE_KINDS.index(scope.kind), scope.id

    # Most scopes explain only themselves: these need not be compared again and again.
    candidates = {scope for scope in left if len(explained[scope]) > 1}
    while candidates:
        best = max(candidates, key=merit)
        members = explained[best] & left
        taken.append((best, sorted(members, key=lambda scope: (scope != best, -worst[scope], str(scope)))))
        left -= members
        candidates = {scope for scope in candidates & left if len(explained[scope] & left) > 1}
    return [*taken, *((scope, [scope]) for scope in sorted(left, key=merit, reverse=True))]


def _grouped(
    found: Sequence[tuple[Scope, list[Scope]]], places: Places, groups: Collection[Scope]
) -> list[tuple[Scope, list[Scope]]]:
    """Many notes with the same surroundings become one cause there, even if nothing says that these are in trouble."""
    notes = {scope: members for scope, members in found if scope.kind == "note" and scope in places}
    if len(notes) < GROUP and not groups:
        return list(found)
    totals: defaultdict[Scope, float] = defaultdict(float)
    for place in places.values():
        for scope in place.within:
            totals[scope] += place.clicks
    together: list[tuple[Scope, list[Scope]]] = []
    while (surroundings := _common(notes, places, totals, groups)) is not None:
        members = [note for note in notes if surroundings in places[note].within]
        together.append((surroundings, [one for note in members for one in notes.pop(note)]))
    return [*(one for one in found if one[0].kind != "note" or one[0] in notes or one[0] not in places), *together]


def _common(
    notes: Collection[Scope], places: Places, totals: Mapping[Scope, float], groups: Collection[Scope]
) -> Scope | None:
    """The surroundings that most of these notes share: many notes and much of the traffic there, or a group as yet."""
    counts: defaultdict[Scope, int] = defaultdict(int)
    clicks: defaultdict[Scope, float] = defaultdict(float)
    for note in notes:
        for scope in places[note].within:
            counts[scope] += 1
            clicks[scope] += places[note].clicks
    fitting = [
        one
        for one, count in counts.items()
        if (count >= GROUP and clicks[one] >= GROUP_SHARE * totals[one]) or one in groups
    ]
    # Of equally many the smaller surroundings say more.
    return max(fitting, key=lambda one: (counts[one], SCOPE_KINDS.index(one.kind), one.id), default=None)


# What a feed that is silent, late or full of what cannot be read keeps from being judged.
_OF_TOPICS: Final[dict[str, tuple[Metric, ...]]] = {
    "click-out": ("clicks", "entry_rate", "order_rate", "refused_share"),
    "shop-entry": ("entry_rate", "entries", "cart_rate"),
    "shop-action": ("cart_rate",),
    "order": ("order_rate", "orders", "refund_rate"),
}
_OF_SHOPS: Final[tuple[Metric, ...]] = (
    "entry_rate", "cart_rate", "order_rate", "refund_rate", "refused_share", "entries", "orders",
)  # fmt: skip
_FEEDS: Final[tuple[Metric, ...]] = ("consumed", "dead_letter_share", "lateness_s")


def of_feeds(conditions: Iterable[Condition]) -> list[Condition]:
    """Those that say that a feed is silent, late or full of what cannot be read."""
    return [one for one in conditions if one.metric in _FEEDS]


def inhibited(condition: Condition, feeds: Iterable[Condition], places: Places) -> Condition | None:
    """What already explains a condition: a feed that is silent or late, of which there is an alert of its own."""
    if condition.metric in _FEEDS:
        return None
    for other in feeds:
        if other.metric == "lateness_s":
            if condition.metric in _OF_SHOPS and _inside(condition.scope, other.scope, places):
                return other
        elif (other.metric, other.direction) != ("consumed", "surge") and condition.metric in _OF_TOPICS.get(
            other.id, ()
        ):
            return other
    return None


def _inside(scope: Scope, larger: Scope, places: Places) -> bool:
    """Whether a scope lies in a larger one, or at least half of its traffic does."""
    if larger.kind == "all" or scope == larger:
        return True
    if scope.kind == "note":
        return scope in places and larger in places[scope].within
    both = total = 0.0
    for place in places.values():
        if scope in place.within:
            total += place.clicks
            both += place.clicks if larger in place.within else 0.0
    return total > 0 and both >= total / 2
