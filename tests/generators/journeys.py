"""Hard journeys: few tokens, notes, shops, orders and times, so that everything meets everything.

`hard_journeys(seed)` is plain Python and fast: for volume.  `journeys()` is a hypothesis strategy of the same world:
slower, but what fails shrinks.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.generators.choices import Choices, Drawn, Seeded, pick, seldom
from tests.generators.policies import (
    CAMPAIGNS,
    CATEGORIES,
    DEFAULT_POLICY,
    HOUR_MS,
    Document,
    policies,
    some_moment,
    some_policies,
)
from tests.generators.records import Written, arranged, sent, spoilt
from tests.oracle.intake import CARRIED_BY_STATUS, STATUSES, Record
from tests.oracle.policy import duration_ms

PARTITIONS = 4
MOST_FACTS = 22

TOKENS = ("t1",) * 9 + ("t2",) * 2 + ("t3",)
TOPICS = ("click-out",) * 6 + ("shop-entry",) * 3 + ("shop-action",) * 4 + ("order",) * 9 + ("note-metric",)
NOTES = ("n1", "n2", "n3")
SHOPS = (("tmall", "m1"),) * 20 + (("xhs", "m1"),) * 2 + (("jd", "m1"), ("tmall", "m2"), ("douyin", "m1"))
CLICK_CATEGORIES = ("fmcg.skincare",) * 12 + CATEGORIES
ORDERS = ("o1", "o1", "o2", "o3")
STEPS = (*("paid",) * 7, *("refunded",) * 4, *("frozen",) * 3, "unfrozen", "deposit", *STATUSES)
AMOUNTS = (100, 30, 70, 9, 10, 0, 20, 10**12)
EVENTS = (*(f"e{number}" for number in range(60)), "E", "e", "~", "+", "e.1")


class Scenario(NamedTuple):
    """Traffic as it arrives, and the policies that it is to be judged by."""

    policies: list[Document]
    partitions: int
    batches: list[list[Record]]

    @property
    def records(self) -> list[Record]:
        """All records in their order of arrival."""
        return [record for batch in self.batches for record in batch]

    def rearranged(self, choices: Choices) -> "Scenario":
        """The same records in another order, with other offsets and in other batches."""
        return self._replace(batches=arranged(choices, self.records))


def hard_journeys(
    seed: int, *, bad: bool = True, misplaced: bool = True, most_facts: int = MOST_FACTS, hard_policies: bool = True
) -> Scenario:
    """The scenario of a seed.

    On demand without records that are bad, or in a partition that is not their key's, or under the default policy.
    """
    choices = Seeded(seed)
    drawn = some_policies(choices) if hard_policies else [DEFAULT_POLICY]
    edges = _edges(drawn)
    records = [
        record
        for _ in range(1 + choices.below(most_facts))
        for record in _occurrence(choices, edges, bad=bad, misplaced=misplaced)
    ]
    return Scenario(drawn, PARTITIONS, arranged(choices, records))


@st.composite
def journeys(draw: st.DrawFn, *, bad: bool = True, misplaced: bool = True) -> Scenario:
    """Scenarios that shrink: to fewer facts, to the default policy, to the order in which they were made."""
    drawn = draw(policies())
    occurrences = draw(st.lists(_occurrences(_edges(drawn), bad=bad, misplaced=misplaced), max_size=MOST_FACTS))
    records = [record for occurrence in occurrences for record in occurrence]
    return Scenario(drawn, PARTITIONS, arranged(Drawn(draw), records))


@st.composite
def _occurrences(draw: st.DrawFn, edges: Sequence[int], *, bad: bool, misplaced: bool) -> list[Record]:
    return list(_occurrence(Drawn(draw), edges, bad=bad, misplaced=misplaced))


def _occurrence(choices: Choices, edges: Sequence[int], *, bad: bool, misplaced: bool) -> Iterator[Record]:
    """One fact, or an order's life, and all that is sent about it: repeats, conflicting contents, spoilt records."""
    written = _fact(choices, pick(choices, TOPICS), edges)
    contents = _life(choices, written) if written.topic == "order" and seldom(choices, 2) else [written]
    while seldom(choices, 5):
        contents.append(_in_conflict(choices, pick(choices, contents), edges))
    for content in contents:
        yield sent(choices, _as_read(content), PARTITIONS, misplaced=misplaced)
        while seldom(choices, 5):
            yield sent(choices, _as_read(content), PARTITIONS, misplaced=misplaced)
    if bad and seldom(choices, 12):
        yield spoilt(choices, sent(choices, _as_read(written), PARTITIONS, misplaced=misplaced))


def _life(choices: Choices, first: Written) -> list[Written]:
    """The first step and some more of the same order, close to it in time; seldom one in another currency."""
    steps = [first]
    for _ in range(1 + choices.below(6)):
        other = _step(choices) | {"order_id": first.fields["order_id"]}
        if not seldom(choices, 6):
            other["currency"] = first.fields["currency"]
        at_ms = first.fields["at_ms"] + pick(choices, (1, 0, 2, HOUR_MS, -1))
        steps.append(first.but(event_id=pick(choices, EVENTS), at_ms=at_ms, **other))
    return steps


def _edges(documents: Sequence[Document]) -> list[int]:
    """Distances from a click at which something ends or begins: leads before it, windows after it."""
    edges = [0, 0, 1_000, HOUR_MS // 2]
    for policy in documents:
        groups = (policy["platforms"], policy["categories"], policy["campaigns"])
        for place in (policy, policy, *(place for group in groups for place in group.values())):
            edges += [duration_ms(window) for window in place.get("windows", {}).values()]
            edges += [-duration_ms(place["lead"])] if "lead" in place else []
    return edges


def _fact(choices: Choices, topic: str, edges: Sequence[int]) -> Written:
    """A fact of this topic, with every field that any status may carry."""
    fields: dict[str, Any] = {"event_id": pick(choices, EVENTS), "at_ms": some_moment(choices)}
    if topic == "note-metric":
        return Written(topic, fields | _figures(choices))
    platform, merchant_id = pick(choices, SHOPS)
    fields |= {"token": pick(choices, TOKENS), "platform": platform, "merchant_id": merchant_id}
    if topic == "click-out":
        return Written(topic, fields | _click(choices))
    fields["at_ms"] += pick(choices, edges)
    if topic == "shop-action":
        fields["action"] = pick(choices, ("favourite", "cart"))
    if topic == "order":
        fields |= _step(choices)
    return Written(topic, fields)


def _click(choices: Choices) -> dict[str, Any]:
    optional = {
        "campaign_id": CAMPAIGNS,
        "creator_id": ("w1", "w2"),
        "poster_id": ("w1", "w3"),
        "boost_id": ("b1",),
    }
    return {
        "note_id": pick(choices, NOTES),
        "note_kind": pick(choices, ("ad",) * 10 + ("ugc",)),
        "link": pick(choices, ("note",) * 10 + ("comment",)),
        "category": pick(choices, CLICK_CATEGORIES),
        **{name: pick(choices, ids) for name, ids in optional.items() if seldom(choices, 3)},
    }


def _step(choices: Choices) -> dict[str, Any]:
    return {
        "order_id": pick(choices, ORDERS),
        "status": pick(choices, STEPS),
        "amount_minor": pick(choices, AMOUNTS),
        "currency": pick(choices, ("CNY", "CNY", "CNY", "CNY", "USD")),
        "refund_id": pick(choices, ("r1", "r2")),
    }


def _figures(choices: Choices) -> dict[str, Any]:
    optional = {name: choices.below(3) for name in ("comments", "shares") if seldom(choices, 2)}
    return (
        {"note_id": pick(choices, NOTES)} | {name: choices.below(4) for name in ("reads", "likes", "saves")} | optional
    )


def _in_conflict(choices: Choices, written: Written, edges: Sequence[int]) -> Written:
    """The same event id, other content: one to three fields are another fact's, most often not the time."""
    other = _fact(choices, written.topic, edges).fields
    names = sorted(other.keys() - {"event_id"})
    changed = {pick(choices, names) for _ in range(1 + choices.below(3))}
    return written.but(**{name: other[name] for name in changed})


def _as_read(written: Written) -> Written:
    """The record without the fields that its status does not carry."""
    status = written.fields.get("status")
    if status is None:
        return written
    unread = {"amount_minor", "currency", "refund_id"} - CARRIED_BY_STATUS.get(status, {}).keys()
    return Written(written.topic, {name: value for name, value in written.fields.items() if name not in unread})
