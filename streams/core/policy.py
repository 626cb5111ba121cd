"""Policies: what counts from a given event time on, and what that says about one click."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from streams.core.facts import ID_PATTERN, Click

Stage: TypeAlias = Literal["entry", "favourite", "cart", "order"]
Refusal: TypeAlias = Literal["platform_unknown", "category_closed", "gate_closed", "link_unauthorised"]

# A dollar sign also stands before a line break at the end of a text.
DURATION_PATTERN = r"^[0-9]+[smhd]$(?!\n)"
POLICY_ID_PATTERN = rf"^(\*|{ID_PATTERN})$(?!\n)"

Duration: TypeAlias = Annotated[str, msgspec.Meta(pattern=DURATION_PATTERN)]
PolicyId: TypeAlias = Annotated[str, msgspec.Meta(pattern=POLICY_ID_PATTERN)]
GateMs: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
Openness: TypeAlias = Literal["open", "closed"]

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# Times are below 2**43 ms; a longer window than that says nothing and would not fit what is stored.
LONGEST_MS = 2**43


class Windows(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long after a click a fact of each stage may come."""

    entry: Duration | None = None
    favourite: Duration | None = None
    cart: Duration | None = None
    order: Duration | None = None


class Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Values that a category or campaign sets for itself."""

    windows: Windows = Windows()
    lead: Duration | None = None


class Platform(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A known platform and what it sets for itself."""

    windows: Windows = Windows()
    lead: Duration | None = None
    industries: dict[PolicyId, Openness] = {}


class AllowedLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that allows clicks of one link kind, some note kinds and some platforms."""

    link: Literal["note", "comment"]
    kinds: list[Literal["ad", "ugc", "*"]]
    platforms: list[PolicyId]


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A time in which clicks to a platform or category do not count."""

    closed_from_ms: GateMs
    closed_to_ms: GateMs | None = None
    platform: PolicyId = "*"
    category: PolicyId = "*"

    def fits(self, click: Click) -> bool:
        """Whether the gate stands in the way of clicks like this one, whenever they come."""
        category = self.category == "*" or self.category in ancestry(click.category)
        return category and self.platform in ("*", click.platform)

    def closed(self, at_ms: int) -> bool:
        """Whether the gate is closed at a time; half-open."""
        return self.closed_from_ms <= at_ms and (self.closed_to_ms is None or at_ms < self.closed_to_ms)


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One policy document."""

    version: Annotated[int, msgspec.Meta(ge=1, lt=2**53)]
    effective_from_ms: Annotated[int, msgspec.Meta(ge=0, lt=2**43)]
    windows: Windows
    model: Literal["last_click"] = "last_click"
    lead: Duration = "0s"
    retention_slack: Duration = "1d"
    order_life: Duration = "180d"
    industries: dict[PolicyId, Openness] = {}
    platforms: dict[PolicyId, Platform] = {}
    links: list[AllowedLink] = []
    gates: list[Gate] = []
    categories: dict[PolicyId, Override] = {}
    campaigns: dict[PolicyId, Override] = {}

    def __post_init__(self) -> None:
        missing = [stage for stage in Windows.__struct_fields__ if getattr(self.windows, stage) is None]
        if missing:
            raise ValueError(f"windows: {', '.join(missing)} missing; all four stages are needed at the top level")
        for gate in self.gates:
            if gate.closed_to_ms is not None and gate.closed_to_ms <= gate.closed_from_ms:
                raise ValueError(f"gates: closed_to_ms {gate.closed_to_ms} is not after {gate.closed_from_ms}")
        too_long = [text for text in self._durations() if duration_ms(text) > LONGEST_MS]
        if too_long:
            raise ValueError(f"{too_long[0]} is longer than any time can be")

    def _overrides(self) -> Iterator[Platform | Override]:
        yield from self.platforms.values()
        yield from self.categories.values()
        yield from self.campaigns.values()

    def windows_ms(self) -> Iterator[int]:
        """Every window that the policy sets anywhere."""
        for windows in (self.windows, *(override.windows for override in self._overrides())):
            yield from (duration_ms(text) for text in msgspec.structs.astuple(windows) if text is not None)

    def leads_ms(self) -> Iterator[int]:
        """Every lead that the policy sets anywhere."""
        yield duration_ms(self.lead)
        yield from (duration_ms(override.lead) for override in self._overrides() if override.lead is not None)

    def _durations(self) -> Iterator[str]:
        for windows in (self.windows, *(override.windows for override in self._overrides())):
            yield from (text for text in msgspec.structs.astuple(windows) if text is not None)
        yield from (override.lead for override in self._overrides() if override.lead is not None)
        yield from (self.lead, self.retention_slack, self.order_life)


def ancestry(category: str) -> list[str]:
    """A category and its ancestors, nearest first: a.b.c, a.b, a."""
    parts = category.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def duration_ms(text: str) -> int:
    """Milliseconds of a duration such as 15d."""
    return int(text[:-1]) * _UNIT_MS[text[-1]]


def parse_policy(document: Any) -> Policy:
    """A policy from a document read from YAML or JSON; ValueError says what is wrong and where."""
    if not isinstance(document, dict):
        raise ValueError("a policy is a mapping of names to values")  # noqa: TRY004  # one error for all documents
    try:
        policy = msgspec.convert(document, Policy)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    _check_names(policy)
    return policy


def _check_names(policy: Policy) -> None:
    # "*" is no platform, category or campaign of its own.
    for place in ("platforms", "categories", "campaigns"):
        for name in getattr(policy, place):
            if not re.fullmatch(ID_PATTERN, name):
                raise ValueError(f"{place}: {name!r} is not an id")
