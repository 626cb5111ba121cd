"""What the traffic amounts to, worked out journey by journey by means of the simulator's own.

Nothing of the streaming core is used here.  A whole journey is at hand when it is judged, so every rule can be
written down as it is said: look at all clicks, take the one that came furthest.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import orjson

from app.simulator.facts import Action, Click, Entry, Fact, NoteMetric, Shop, Step, canonical
from app.simulator.incidents import Incident
from app.simulator.rules import Rules, Terms
from streams.topics import CLICK_OUT, NOTE_METRIC, ORDER, SHOP_ACTION, SHOP_ENTRY

NO_CLICK = -1
OTHER_SHOP, BEFORE_CLICK, WINDOW_PASSED, CLICK_REFUSED, CANDIDATE = range(5)
_REASONS = ("other_shop", "before_click", "window_passed", "click_refused", None, "no_click")

OneKind = TypeVar("OneKind", Click, Entry, Action, Step)
OneFact = TypeVar("OneFact", Click, Entry, Action, Step, NoteMetric)


class Judged(NamedTuple):
    """A click and its terms."""

    click: Click
    terms: Terms


class Tallies:
    """Running totals of the truth, over all journeys told so far."""

    def __init__(self, rules: Rules | None = None, *, full_results: bool = False) -> None:
        self._rules = rules or Rules()
        self.full_results = full_results
        self.notes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.money: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)  # note -> (name, currency)
        self.metrics: defaultdict[str, dict[str, NoteMetric]] = defaultdict(dict)  # note -> event id -> what stands
        self.results: dict[str, bytes] = {}  # "TOKEN RESULT_ID" -> canonical fields or their digest
        self.may_be_void: set[str] = set()
        self.outcomes: Counter[tuple[str, str, str | None]] = Counter()  # kind, outcome, reason
        self.incidents: Sequence[Incident] = ()
        self.mismatched = 0
        self.sent: Counter[str] = Counter()
        self.distinct: Counter[str] = Counter()
        self.conflicts: Counter[str] = Counter()
        self.forwarded: Counter[str] = Counter()
        self.invalid: Counter[tuple[str, str]] = Counter()

    def tell(self, facts: Sequence[Fact]) -> None:
        """Add a whole journey, or notes' figures: valid records as facts, in any order, repeats and rivals included."""
        clicks: list[Click] = []
        entries: list[Entry] = []
        actions: list[Action] = []
        steps: list[Step] = []
        for fact in facts:
            if isinstance(fact, Click):
                clicks.append(fact)
            elif isinstance(fact, Entry):
                entries.append(fact)
            elif isinstance(fact, Action):
                actions.append(fact)
            elif isinstance(fact, Step):
                steps.append(fact)
            else:
                self._tell_metric(fact)
        if clicks or entries or actions or steps:
            self._tell_journey(clicks, entries, actions, steps)

    def _tell_metric(self, metric: NoteMetric) -> None:
        self.sent[NOTE_METRIC] += 1
        known = self.metrics[metric.note_id]
        known[metric.event_id] = _stronger(known.get(metric.event_id, metric), metric)

    def _tell_journey(
        self, clicks: Sequence[Click], entries: Sequence[Entry], actions: Sequence[Action], steps: Sequence[Step]
    ) -> None:
        judged = [Judged(click, self._rules.terms(click)) for click in self._standing(CLICK_OUT, clicks)]
        for click, terms in judged:
            self.notes[click.to.note_id]["clicks" if terms.refusal is None else "clicks_refused"] += 1
        winners: set[tuple[str, str, str]] = set()
        for entry in self._standing(SHOP_ENTRY, entries) if entries else ():
            credited = self._credit_entry(judged, entry)
            if credited is not None:
                winners.add(("clicks_entered", credited.to.note_id, credited.event_id))
        if actions:
            self._credit_actions(judged, actions)
        for order_id, life in self._orders(steps).items() if steps else ():
            credited = self._credit_order(judged, order_id, life)
            if credited is not None:
                winners.add(("clicks_ordered", credited.to.note_id, credited.event_id))
        for counter, note_id, _ in winners:
            self.notes[note_id][counter] += 1

    def _standing(self, topic: str, facts: Sequence[OneKind]) -> Collection[OneKind]:
        """The facts that stand: of several contents of one event the latest, then the greater canonical JSON."""
        self.sent[topic] += len(facts)
        if len(facts) == 1:
            self.distinct[topic] += 1
            return facts
        standing: dict[str, OneKind] = {}
        for fact in facts:
            standing[fact.event_id] = _stronger(standing.get(fact.event_id, fact), fact)
        self.distinct[topic] += len(standing)
        if len(standing) < len(facts):
            self.conflicts[topic] += len(set(facts)) - len(standing)
        return standing.values()

    def _orders(self, steps: Sequence[Step]) -> dict[str, list[Step]]:
        orders: defaultdict[str, list[Step]] = defaultdict(list)
        for step in self._standing(ORDER, steps):
            orders[step.order_id].append(step)
        for step in steps:
            if step.order_id not in orders:
                self.may_be_void.add(f"{step.token} order:{step.order_id}")
        return orders

    def _credit_entry(self, judged: Sequence[Judged], entry: Entry) -> Click | None:
        """Book an entry; the click that is credited with it."""
        reached, nearest = _furthest(judged, "entry", entry.shop, entry.at_ms)
        self._keep(_fields("entry:" + entry.event_id, "entry", entry, reached, nearest))
        if reached != CANDIDATE or nearest is None:
            return None
        self.notes[nearest.click.to.note_id]["entries"] += 1
        return nearest.click

    def _credit_actions(self, judged: Sequence[Judged], actions: Sequence[Action]) -> None:
        """Book favourites and carts."""
        standing = {f"{action.action}:{action.event_id}": action for action in self._standing(SHOP_ACTION, actions)}
        for result_id, action in standing.items():
            reached, nearest = _furthest(judged, action.action, action.shop, action.at_ms)
            self._keep(_fields(result_id, action.action, action, reached, nearest))
            if reached == CANDIDATE and nearest is not None:
                self.notes[nearest.click.to.note_id][f"{action.action}s"] += 1
        made = {f"{action.action}:{action.event_id}" for action in actions}
        self.may_be_void |= {f"{actions[0].token} {result_id}" for result_id in made - standing.keys()}

    def _credit_order(self, judged: Sequence[Judged], order_id: str, life: list[Step]) -> Click | None:
        """Book an order; the click that is credited with it."""
        life.sort(key=lambda step: (step.at_ms, step.event_id))
        base = next((step for step in life if step.status == "paid"), life[0])
        heeded = [step for step in life if base.currency is None or step.currency in (None, base.currency)]
        self.mismatched += len(life) - len(heeded)
        reached, nearest = _furthest(judged, "order", base.shop, base.at_ms)
        fields = _fields("order:" + order_id, "order", base, reached, nearest)
        fields |= {"order_id": order_id, "status": heeded[-1].status, "currency": base.currency}
        fields |= {"gross_minor": 0, "refunded_minor": 0, "net_minor": 0}
        credited = None
        if reached == CANDIDATE and nearest is not None:
            fields["outcome"], fields["reason"], counter = _state_of(heeded)
            self.notes[nearest.click.to.note_id][counter] += 1
            if fields["outcome"] == "credited":
                credited = nearest.click
                fields |= self._pay(credited.to.note_id, base, heeded)
        self._keep(fields)
        return credited

    def _pay(self, note_id: str, base: Step, heeded: Sequence[Step]) -> dict[str, int]:
        gross = base.amount_minor or 0
        latest = {step.refund_id: step.amount_minor or 0 for step in heeded if step.status == "refunded"}
        refunded = min(sum(latest.values()), gross)
        money = self.money[note_id]
        money["gross_minor", base.currency or ""] += gross
        money["refunded_minor", base.currency or ""] += refunded
        return {"gross_minor": gross, "refunded_minor": refunded, "net_minor": gross - refunded}

    def _keep(self, fields: dict[str, Any]) -> None:
        self.outcomes[fields["kind"], fields["outcome"], fields["reason"]] += 1
        self.results[f"{fields['token']} {fields['result_id']}"] = compact(fields, full=self.full_results)


def _stronger(one: OneFact, other: OneFact) -> OneFact:
    """Of two contents of one event the one that stands."""
    if one == other:
        return one
    return max(one, other, key=lambda fact: (fact.at_ms, canonical(fact)))


def _furthest(judged: Iterable[Judged], stage: str, shop: Shop, at_ms: int) -> tuple[int, Judged | None]:
    """How far the click that came furthest came, and that click; of equally far ones the greatest."""
    best: tuple[tuple[int, int, str], Judged] | None = None
    for candidate in judged:
        click, terms = candidate
        if click.to.shop != shop:
            reached = OTHER_SHOP
        elif at_ms < click.at_ms - terms.lead_ms:
            reached = BEFORE_CLICK
        elif at_ms >= click.at_ms + terms.windows_ms[stage]:
            reached = WINDOW_PASSED
        elif terms.refusal is not None:
            reached = CLICK_REFUSED
        else:
            reached = CANDIDATE
        place = (reached, click.at_ms, click.event_id)
        if best is None or place > best[0]:
            best = place, candidate
    return (best[0][0], best[1]) if best else (NO_CLICK, None)


def _state_of(heeded: Sequence[Step]) -> tuple[str, str | None, str]:
    """Outcome, reason and counter of an order that has a candidate; its steps in the order of their times."""
    statuses = [step.status for step in heeded]
    if "closed" in statuses:
        return "withdrawn", "order_closed", "orders_closed"
    if "paid" not in statuses:
        return "pending", "not_paid", "orders_pending"
    if [status for status in statuses if status.endswith("frozen")][-1:] == ["frozen"]:
        return "held", "order_frozen", "orders_held"
    return "credited", None, "orders"


def _fields(
    result_id: str, kind: str, fact: Entry | Action | Step, reached: int, nearest: Judged | None
) -> dict[str, Any]:
    """The fields of a result that do not depend on the life of an order."""
    fields: dict[str, Any] = {
        "result_id": result_id, "kind": kind, "outcome": "credited" if reached == CANDIDATE else "refused",
        "reason": _REASONS[reached], "token": fact.token,
        "platform": fact.shop.platform, "merchant_id": fact.shop.merchant_id, "at_ms": fact.at_ms,
    }  # fmt: skip
    if nearest is None:
        return fields
    click, terms = nearest
    fields["policy_version"], fields["final_at_ms"] = terms.version, fact.at_ms + terms.greatest_lead_ms
    if reached != CANDIDATE:
        fields["nearest_note_id"], fields["nearest_click_id"] = click.to.note_id, click.event_id
        return fields
    to = click.to
    fields.update(
        note_id=to.note_id, note_kind=to.note_kind, link=to.link, category=to.category, campaign_id=to.campaign_id,
        creator_id=to.creator_id, poster_id=to.poster_id, boost_id=click.boost_id,
        click_id=click.event_id, click_at_ms=click.at_ms,
    )  # fmt: skip
    return fields


def compact(fields: dict[str, Any], *, full: bool) -> bytes:
    """A result's present fields as canonical JSON, or 16 bytes of digest of them."""
    present = {name: value for name, value in fields.items() if value is not None}
    text = orjson.dumps(present, option=orjson.OPT_SORT_KEYS)
    return text if full else blake2b(text, digest_size=16).digest()
