"""Incidents planted in simulated traffic: what may go wrong, where, from when to when, and how people write it."""

import re
from collections.abc import Iterable
from random import Random
from typing import Final, NamedTuple

import msgspec

from app.simulator.pace import DAY_MS
from app.simulator.rules import duration_ms
from streams.topics import CLICK_OUT, ORDER, SHOP_ACTION, SHOP_ENTRY

ALL: Final = "all"
CLICKED: Final = ("note", "campaign", "merchant", "platform", "category", "link", ALL)
SHOPS: Final = ("platform", "merchant", ALL)
FEEDS: Final = ("topic",)
TOPICS: Final = (CLICK_OUT, SHOP_ENTRY, SHOP_ACTION, ORDER)


class Kind(NamedTuple):
    """A kind of incident: the scopes it may have, the one it has if nothing is said, and its strength.

    An id `#N` is that of the note which is N-th in popularity, or what the note's link has of the scope.
    """

    scopes: tuple[str, ...]
    scope: str
    id: str
    strength: float
    strongest: float
    help: str


KINDS: Final = {
    "link_break": Kind(CLICKED, "note", "#1", 1, 1, "this share of clicks leads nowhere"),
    "gate_closing": Kind(
        ("platform", "category"), "platform", "#1", 1, 1, "a platform turns this share of readers off"
    ),
    "platform_dip": Kind(CLICKED, "platform", "#1", 0.4, 1, "what follows this share of clicks is missing"),
    "slow_decline": Kind(
        CLICKED, "note", "#2", 0.8, 1, "as before, from nothing at the start to this share at the end"
    ),
    "token_loss": Kind(SHOPS, "platform", "#1", 1, 1, "this share of the shops' facts comes with tokens of no click"),
    "clock_jump": Kind(SHOPS, "platform", "#1", -2, 24, "the shops' clock is wrong by so many hours"),
    "feed_stop": Kind(FEEDS, "topic", SHOP_ENTRY, 1, 1, "this share of a topic's records is never sent"),
    "late_feed": Kind(FEEDS, "topic", ORDER, 0.1, 1, "a topic is held back, then sent within this share of the time"),
    "duplicates_storm": Kind(FEEDS, "topic", SHOP_ENTRY, 8, 100, "each record of a topic is sent so many times"),
    "promotion_surge": Kind(CLICKED, ALL, ALL, 6, 100, "so many times the readers"),
    "bot_flood": Kind(CLICKED, "note", "#3", 30, 1_000, "so many times the clicks, the added ones followed by nothing"),
}
_SHAPE: Final = re.compile(r"[A-Za-z0-9._~:@+#-]{1,128}")
_SHARE_OF_DAYS: Final = (0.12, 0.07, 0.04)  # of the default set: where the first begins, the pace, how long each lasts


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident, half-open in event time."""

    kind: str
    from_ms: int
    to_ms: int
    scope: str
    id: str
    strength: float

    def __post_init__(self) -> None:
        kind = KINDS[_known("kind of incident", self.kind, KINDS)]
        if self.scope not in kind.scopes:
            raise ValueError(f"{self.kind} has no scope {self.scope}: it takes {', '.join(kind.scopes)}")
        if self.scope == "topic" and self.id not in TOPICS:
            raise ValueError(f"there is no topic {self.id} to disturb: take one of {', '.join(TOPICS)}")
        if not _SHAPE.fullmatch(self.id):
            raise ValueError(f"not an id: {self.id!r}")
        if not self.from_ms < self.to_ms:
            raise ValueError(f"{self.kind} must last for some time")
        if not (self.strength and abs(self.strength) <= kind.strongest and (self.strength > 0 or self._signed)):
            least = -kind.strongest if self._signed else 0
            raise ValueError(f"the strength of {self.kind} is {least} to {kind.strongest}, not {self.strength:g}")

    @property
    def _signed(self) -> bool:
        return self.kind == "clock_jump"

    def covers(self, at_ms: int) -> bool:
        """Whether it is going on."""
        return self.from_ms <= at_ms < self.to_ms


def read_incident(text: str, start_ms: int) -> Incident:
    """An incident from `KIND,from=6h,for=2h,SCOPE=ID,strength=0.5`, all but the kind optional; ValueError says more.

    `from` counts from the start of the traffic.
    """
    name, *parts = text.split(",")
    kind = KINDS[_known("kind of incident", name, KINDS)]
    values = {"from": "6h", "for": "2h", "strength": f"{kind.strength:g}"}
    scope = kind.scope, kind.id
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not value:
            raise ValueError(f"{part!r} is not NAME=VALUE")
        if key in values:
            values[key] = value
        else:
            scope = _known("setting or scope", key, (*values, *kind.scopes)), value
    from_ms = start_ms + duration_ms(values["from"])
    return Incident(
        kind=name,
        from_ms=from_ms,
        to_ms=from_ms + duration_ms(values["for"]),
        scope=scope[0],
        id=scope[1],
        strength=_number(values["strength"]),
    )


def usual_incidents(seed: int, start_ms: int, days: float) -> list[Incident]:
    """One of every kind, one after the other, in an order and on notes that the seed decides."""
    random = Random(f"incidents {seed}")
    first, pace, length = (int(share * days * DAY_MS) for share in _SHARE_OF_DAYS)
    incidents = []
    for number, (name, kind) in enumerate(random.sample(list(KINDS.items()), len(KINDS))):
        from_ms = start_ms + first + number * pace
        place = f"#{random.randrange(1, 6)}" if kind.id.startswith("#") else kind.id
        incidents.append(
            Incident(
                kind=name, from_ms=from_ms, to_ms=from_ms + max(1, length), scope=kind.scope, id=place,
                strength=kind.strength,
            )
        )  # fmt: skip
    return incidents


def explained() -> list[str]:
    """A line for each kind: its name, the scope it has by itself, its strength and what that means."""
    return [f"{name}: {kind.scope}={kind.id}, strength={kind.strength:g}, {kind.help}" for name, kind in KINDS.items()]


def _known(what: str, name: str, names: Iterable[str]) -> str:
    """The name, if it is one of these."""
    if name not in (known := list(names)):
        raise ValueError(f"there is no {what} {name!r}: take one of {', '.join(known)}")
    return name


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"strength is a number, not {text!r}") from None
