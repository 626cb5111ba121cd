"""Stories of facts: what is one fact, which content stands, what is only a duplicate; and the notes' own figures."""

from tests.behaviour.builders import (
    DAY,
    Story,
    cart,
    click,
    credited,
    entry,
    favourite,
    metric,
    paid,
    refused,
    step,
    withdrawn,
)

STORIES = [
    Story(
        name="a click counts by itself",
        records=[click()],
        counters={"n1": {"clicks": 1}},
        refusals={"click@0": None},
    ),
    Story(
        name="the same record twice is one fact",
        records=[click(), click(), entry(at=1), entry(at=1), entry(at=1)],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}},
        results={"entry:entry@1": credited()},
        topics={
            "click-out": {"consumed": 2, "distinct": 1, "duplicates": 1, "conflicts": 0},
            "shop-entry": {"consumed": 3, "distinct": 1, "duplicates": 2, "conflicts": 0},
        },
    ),
    Story(
        name="of two contents of one fact the later one stands",
        records=[click("k", at=1, note="n1"), click("k", at=0, note="n2")],
        counters={"n1": {"clicks": 1}},
        topics={"click-out": {"consumed": 2, "distinct": 1, "duplicates": 1, "conflicts": 1}},
    ),
    Story(
        name="of two contents of the same time the one that is greater as canonical JSON stands",
        records=[click("k", note="n2"), click("k", note="n1")],
        counters={"n2": {"clicks": 1}},
        topics={"click-out": {"distinct": 1, "duplicates": 1, "conflicts": 1}},
    ),
    Story(
        name="contents are compared as bytes, not as numbers: 9 beats 10",
        records=[click(), paid("p", at=1, amount=9), paid("p", at=1, amount=10)],
        counters={"n1": {"clicks": 1, "orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 9}}},
        results={"order:o1": credited(gross_minor=9)},
        topics={"order": {"distinct": 1, "duplicates": 1, "conflicts": 1}},
    ),
    Story(
        name="an absent field is no part of the canonical JSON: category follows at_ms and beats campaign_id",
        records=[click("k", campaign_id="c1"), click("k"), entry(at=1)],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}},
        results={"entry:entry@1": credited("k", campaign_id=None)},
        topics={"click-out": {"distinct": 1, "duplicates": 1, "conflicts": 1}},
    ),
    Story(
        name="null, unknown and unread fields are no content, so such records are only duplicates",
        records=[
            click(),
            click(campaign_id=None, colour="red"),
            click(amount_minor="many"),
            step("received", at=1),
            step("received", at=1, amount_minor="many", refund_id=["r"]),
            paid(at=2),
            paid(at=2, refund_id="r9"),
        ],
        counters={"n1": {"clicks": 1, "orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 100}}},
        results={"order:o1": credited(status="paid")},
        topics={
            "click-out": {"consumed": 3, "distinct": 1, "duplicates": 2, "conflicts": 0, "invalid": {}},
            "order": {"consumed": 4, "distinct": 2, "duplicates": 2, "conflicts": 0, "invalid": {}},
        },
    ),
    Story(
        name="one event id in several topics names several facts",
        records=[click("x"), entry("x", at=1), favourite("x", at=1), step("received", "x", at=1)],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1, "favourites": 1, "orders_pending": 1}},
        results={
            "entry:x": credited("x"),
            "favourite:x": credited("x"),
            "order:o1": {"outcome": "pending", "click_id": "x"},
        },
    ),
    Story(
        name="one event id under two tokens names two facts",
        records=[click("x"), click("x", token="t2", note="n2"), entry("y", at=1), entry("y", at=1, token="t2")],
        counters={
            "n1": {"clicks": 1, "entries": 1, "clicks_entered": 1},
            "n2": {"clicks": 1, "entries": 1, "clicks_entered": 1},
        },
        results={"entry:y": credited("x", note_id="n1"), "t2/entry:y": credited("x", note_id="n2")},
        topics={"shop-entry": {"consumed": 2, "distinct": 2, "duplicates": 0, "conflicts": 0}},
    ),
    Story(
        name="every content that lost is one conflict, its repeats are only duplicates",
        records=[
            click("k", note="n1"),
            click("k", note="n3"),
            click("k", note="n2"),
            click("k", note="n1"),
            click("k", note="n3"),
        ],
        counters={"n3": {"clicks": 1}},
        topics={"click-out": {"consumed": 5, "distinct": 1, "duplicates": 4, "conflicts": 2}},
    ),
    Story(
        name="a conflict that turns a favourite into a cart leaves the favourite void",
        records=[click(), favourite("a", at=1), cart("a", at=2)],
        counters={"n1": {"clicks": 1, "carts": 1}},
        results={"cart:a": credited(kind="cart")},
        superseded=frozenset({"favourite:a"}),
    ),
    Story(
        name="a conflict that moves the only step of an order leaves that order void",
        records=[click(), paid("p", at=1, order="o1"), paid("p", at=2, order="o2")],
        counters={"n1": {"clicks": 1, "orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 100}}},
        results={"order:o2": credited(order_id="o2")},
        superseded=frozenset({"order:o1"}),
    ),
    Story(
        name="an order that keeps another step lives on when a conflict takes one away",
        records=[click(), paid("p", at=1, order="o1"), step("closed", at=3, order="o1"), paid("p", at=2, order="o2")],
        counters={
            "n1": {"clicks": 1, "orders": 1, "clicks_ordered": 1, "orders_closed": 1, "gross_minor": {"CNY": 100}}
        },
        results={"order:o1": withdrawn(), "order:o2": credited()},
    ),
    Story(
        name="a conflict can take an entry out of its window",
        records=[click(), entry("e", at=1), entry("e", at=DAY)],
        counters={"n1": {"clicks": 1}},
        results={"entry:e": refused("window_passed", "click@0", at_ms=click(at=DAY).fields["at_ms"])},
    ),
    Story(
        name="a conflict can take the winning click away",
        records=[click("k"), click("k", at=5, merchant_id="m2"), entry(at=1)],
        counters={"n1": {"clicks": 1}},
        results={"entry:entry@1": refused("other_shop", "k")},
    ),
    Story(
        name="a note's figures are those of its latest record as a whole: what it leaves out is 0",
        records=[
            metric(at=2, reads=12, likes=2),
            metric(at=1, reads=10, likes=3, saves=1, comments=4, shares=5),
            metric(at=1, note="n2", reads=7, comments=4),
        ],
        counters={"n1": {"reads": 12, "likes": 2}, "n2": {"reads": 7, "comments": 4}},
        topics={"note-metric": {"consumed": 3, "absorbed": 3, "invalid": {}, "forwarded": 0}},
    ),
    Story(
        name="of figures of the same time those with the greater event id count",
        records=[metric("m9", at=1, reads=9), metric("m10", at=1, reads=10)],
        counters={"n1": {"reads": 9}},
    ),
    Story(
        name="of two contents of one record of figures the later one stands",
        records=[metric("m", at=2, reads=1), metric("m", at=1, reads=5), metric("l", at=1, reads=3)],
        counters={"n1": {"reads": 1}},
        topics={"note-metric": {"consumed": 3, "absorbed": 3}},
    ),
    Story(
        name="figures of 0 show no note, and figures stand beside what clicks count",
        records=[metric(at=1, note="n2"), metric(at=1, reads=3), click()],
        counters={"n1": {"reads": 3, "clicks": 1}},
    ),
]
