"""What planted incidents do to the traffic: to journeys as they are drawn, and to records on their way.

Nothing here counts.  The truth is worked out from the facts that are delivered in the end, incidents or not.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, TypeAlias

from msgspec.structs import replace

from app.simulator.facts import Action, Click, Entry, Fact, Link, NoteMetric, Outgoing, Shop, Step
from app.simulator.incidents import ALL, Incident
from app.simulator.journeys import Told
from app.simulator.pace import HOUR_MS, Clock
from app.simulator.population import Population
from streams.topics import CLICK_OUT, ORDER, SHOP_ACTION, SHOP_ENTRY

ShopFact: TypeAlias = Entry | Action | Step

_LOSING: Final = ("link_break", "gate_closing", "platform_dip", "slow_decline")
_ADDING: Final = ("promotion_surge", "bot_flood")
_TOPIC_SHARES: Final = {CLICK_OUT: 0.54, SHOP_ENTRY: 0.26, SHOP_ACTION: 0.065, ORDER: 0.115}
_CLICKS_SHARE: Final = 0.5  # a click alone against a whole journey
_REPEATS_WITHIN_MS: Final = 120_000


class Disturbances:
    """All incidents of one simulation; with none it changes nothing and draws nothing."""

    def __init__(self, incidents: Sequence[Incident], seed: int) -> None:
        self._random = Random(f"disturbances {seed}")
        self._losing = [one for one in incidents if one.kind in _LOSING]
        self._adding = [one for one in incidents if one.kind in _ADDING]
        self._of_shops = [one for one in incidents if one.kind in ("token_loss", "clock_jump")]
        self._of_feeds = [one for one in incidents if one.scope == "topic"]

    def growth(self, clock: Clock, population: Population) -> float:
        """About how many times as much is sent as without incidents; what is lost is not reckoned with."""
        growth = 1.0
        for incident in self._adding:
            concerned = sum(_concerns(incident, link) for link in population.slots) / len(population.slots)
            of_a_journey = 1.0 if incident.kind == "promotion_surge" else _CLICKS_SHARE
            growth += (incident.strength - 1) * clock.share(incident.from_ms, incident.to_ms) * concerned * of_a_journey
        for incident in self._of_feeds:
            if incident.kind == "duplicates_storm":
                share = clock.share(incident.from_ms, incident.to_ms) * _TOPIC_SHARES[incident.id]
                growth += (incident.strength - 1) * share
        return max(1.0, growth)

    def added(self, told: Sequence[Told]) -> Iterator[tuple[Link, bool]]:
        """What incidents add beside a journey: links that are clicked, and whether anything follows the click."""
        click = told[0].fact
        if not isinstance(click, Click):
            return
        for incident in self._adding:
            if incident.covers(click.at_ms) and _concerns(incident, click.to):
                for _ in range(self._times(incident.strength) - 1):
                    yield click.to, incident.kind == "promotion_surge"

    def journeys(self, told: Sequence[Told]) -> list[Sequence[Told]]:
        """What becomes of a journey: it loses facts, or some of them run under tokens of their own."""
        if self._losing:
            told = self._without_lost(told)
        if not self._of_shops:
            return [told] if told else []
        by_token: dict[str, list[Told]] = {}
        lost: dict[str, str] = {}  # tokens of orders
        began = _beginnings(told)
        for due_ms, fact in told:
            changed = self._in_shop(fact, _began(fact, began), lost) if isinstance(fact, ShopFact) else fact
            by_token.setdefault("" if isinstance(changed, NoteMetric) else changed.token, []).append(
                Told(due_ms, changed)
            )
        return list(by_token.values())

    def delivery(self, records: list[Outgoing], facts: list[Fact]) -> tuple[list[Outgoing], list[Fact]]:
        """Records with the fact of each, as feeds bring them: fewer, later or more of them."""
        for incident in self._of_feeds:
            pairs = [pair for old in zip(records, facts, strict=True) for pair in self._fed(incident, *old)]
            records, facts = [record for record, _ in pairs], [fact for _, fact in pairs]
        return records, facts

    def _without_lost(self, told: Sequence[Told]) -> Sequence[Told]:
        clicks = [fact for _, fact in told if isinstance(fact, Click)]
        lost = {click.event_id for click in clicks if self._leads_nowhere(click)}
        if not lost:
            return told
        began = _beginnings(told)
        return [
            one for one in told if not isinstance(one.fact, ShopFact) or _led_by(clicks, one.fact, began) not in lost
        ]

    def _leads_nowhere(self, click: Click) -> bool:
        for incident in self._losing:
            if incident.covers(click.at_ms) and _concerns(incident, click.to):
                share = incident.strength
                if incident.kind == "slow_decline":
                    share *= (click.at_ms - incident.from_ms) / (incident.to_ms - incident.from_ms)
                if self._random.random() < share:
                    return True
        return False

    def _in_shop(self, fact: ShopFact, began_ms: int, lost: dict[str, str]) -> ShopFact:
        """A fact as its shop tells it; the steps of an order stay under one token, as the order began."""
        for incident in self._of_shops:
            if not _of_shop(incident, fact.shop):
                continue
            if incident.kind == "clock_jump":
                if incident.covers(fact.at_ms):
                    fact = replace(fact, at_ms=fact.at_ms + int(incident.strength * HOUR_MS))
            elif incident.covers(began_ms):
                token = fact.token if self._random.random() >= incident.strength else self._token()
                fact = replace(fact, token=lost.setdefault(fact.order_id, token) if isinstance(fact, Step) else token)
        return fact

    def _token(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def _fed(self, incident: Incident, record: Outgoing, fact: Fact) -> Iterator[tuple[Outgoing, Fact]]:
        due_ms = record.timestamp_ms or 0
        if record.topic != incident.id or not incident.covers(due_ms):
            yield record, fact
        elif incident.kind == "late_feed":
            catching_up_ms = (due_ms - incident.from_ms) * incident.strength
            yield record._replace(timestamp_ms=incident.to_ms + int(catching_up_ms)), fact
        elif incident.kind == "duplicates_storm":
            yield record, fact
            for _ in range(self._times(incident.strength) - 1):
                again_ms = due_ms + int(self._random.random() * _REPEATS_WITHIN_MS)
                yield record._replace(timestamp_ms=again_ms), fact
        elif self._random.random() >= incident.strength:
            yield record, fact

    def _times(self, strength: float) -> int:
        """A whole number that is `strength` on average."""
        return int(strength) + (self._random.random() < strength % 1)


def resolved(incidents: Sequence[Incident], population: Population) -> list[Incident]:
    """The incidents with ids instead of ranks such as #3; ValueError for a rank that nobody has."""
    return [
        replace(one, id=_of_link(one.scope, _ranked(one, population))) if one.id.startswith("#") else one
        for one in incidents
    ]


def _ranked(incident: Incident, population: Population) -> Link:
    links = [link for link in population.by_rank if _of_link(incident.scope, link)]
    rank = incident.id[1:]
    if not rank.isdigit() or not 1 <= int(rank) <= len(links):
        raise ValueError(f"{incident.kind}: there is no {incident.scope} {incident.id}, only #1 to #{len(links)}")
    return links[int(rank) - 1]


def _of_link(scope: str, link: Link) -> str:
    """What a link has of a scope, nothing if it has none."""
    return {
        "note": link.note_id, "campaign": link.campaign_id or "", "merchant": link.shop.merchant_id,
        "platform": link.shop.platform, "category": link.category, "link": link.link,
    }.get(scope, "")  # fmt: skip


def _concerns(incident: Incident, link: Link) -> bool:
    place = _of_link(incident.scope, link)
    return (
        incident.scope == ALL
        or place == incident.id
        or (incident.scope == "category" and place.startswith(f"{incident.id}."))
    )


def _of_shop(incident: Incident, shop: Shop) -> bool:
    return incident.scope == ALL or incident.id == (shop.platform if incident.scope == "platform" else shop.merchant_id)


def _led_by(clicks: Sequence[Click], fact: ShopFact, began: dict[str, int]) -> str | None:
    """The click that a fact follows: the latest before it at its shop."""
    at_ms = _began(fact, began)
    before = [click for click in clicks if click.to.shop == fact.shop and click.at_ms <= at_ms]
    return max(before, key=lambda click: click.at_ms).event_id if before else None


def _beginnings(told: Sequence[Told]) -> dict[str, int]:
    """When each order of a journey began, in ms."""
    began: dict[str, int] = {}
    for _, fact in told:
        if isinstance(fact, Step):
            began[fact.order_id] = min(fact.at_ms, began.get(fact.order_id, fact.at_ms))
    return began


def _began(fact: ShopFact, began: dict[str, int]) -> int:
    return began[fact.order_id] if isinstance(fact, Step) else fact.at_ms
