"""Stories of traps: what is easily got wrong because two rules meet, or because people expect something else."""

from tests.behaviour.builders import (
    DAY,
    HOUR,
    Story,
    after,
    cart,
    click,
    credited,
    deposit,
    entry,
    favourite,
    held,
    paid,
    pending,
    platforms,
    policy,
    refund,
    refused,
    step,
    withdrawn,
)
from tests.generators.policies import DEFAULT_POLICY

ONE = {"clicks": 1, "orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 100}}

LATE_CLICKS = [
    Story(
        name="a better click that arrives late takes a refunded order over with its refund",
        records=[click(at=0, note="n1"), paid(at=10), refund(at=20, amount=30), click(at=9, note="n2")],
        counters={"n1": {"clicks": 1}, "n2": ONE | {"refunded_minor": {"CNY": 30}}},
        results={"order:o1": credited("click@9", note_id="n2", gross_minor=100, refunded_minor=30, net_minor=70)},
    ),
    Story(
        name="a better click that arrives late takes what waits over too: pending, held and closed orders",
        records=[
            click(at=0, note="n1"),
            deposit(at=10, order="o1"),
            paid(at=10, order="o2"),
            step("frozen", at=11, order="o2"),
            paid(at=10, order="o3"),
            step("closed", at=11, order="o3"),
            click(at=9, note="n2"),
        ],
        counters={"n1": {"clicks": 1}, "n2": {"clicks": 1, "orders_pending": 1, "orders_held": 1, "orders_closed": 1}},
        results={"order:o1": pending("click@9"), "order:o2": held("click@9"), "order:o3": withdrawn("click@9")},
    ),
    Story(
        name="a later click that is refused takes nothing over, however late it arrives",
        records=[click(at=0, note="n1"), paid(at=10), click(at=9, note="n2", category="toys")],
        counters={"n1": ONE, "n2": {"clicks_refused": 1}},
        results={"order:o1": credited("click@0")},
        refusals={"click@9": "category_closed"},
    ),
    Story(
        name="a late click turns a refusal into a credit",
        records=[click(at=0, merchant_id="m2", note="n2"), cart(at=5), click(at=4, note="n1")],
        counters={"n1": {"clicks": 1, "carts": 1}, "n2": {"clicks": 1}},
        results={"cart:cart@5": credited("click@4")},
    ),
]

CONFLICTS = [
    Story(
        name="a conflict that moves the winning click to another note moves its order and money along",
        records=[click("k", at=0, note="n1"), paid(at=5), refund(at=6, amount=30), click("k", at=1, note="n2")],
        counters={"n2": ONE | {"refunded_minor": {"CNY": 30}}},
        results={"order:o1": credited("k", note_id="n2", refunded_minor=30)},
        topics={"click-out": {"consumed": 2, "distinct": 1, "duplicates": 1, "conflicts": 1}},
    ),
    Story(
        name="a conflict about an amount leaves one amount, not two",
        records=[click(), paid("p", at=1, amount=100), paid("p", at=2, amount=70)],
        counters={"n1": ONE | {"gross_minor": {"CNY": 70}}},
        results={"order:o1": credited(at_ms=after(2), gross_minor=70)},
        topics={"order": {"consumed": 2, "distinct": 1, "duplicates": 1, "conflicts": 1}},
    ),
    Story(
        name="a conflict that turns a payment into a deposit leaves the order unpaid",
        records=[click(), paid("p", at=1), deposit("p", at=2)],
        counters={"n1": {"clicks": 1, "orders_pending": 1}},
        results={"order:o1": pending(status="deposit", at_ms=after(2))},
    ),
]

LIVES = [
    Story(
        name="an order that was closed without ever being paid is withdrawn",
        records=[click(), deposit(at=1), step("closed", at=2)],
        counters={"n1": {"clicks": 1, "orders_closed": 1}},
        results={"order:o1": withdrawn(status="closed", at_ms=after(1))},
    ),
    Story(
        name="an order that is paid after it was closed stays withdrawn, at the time of the payment",
        records=[click(), step("closed", at=1), paid(at=2), step("received", at=3)],
        counters={"n1": {"clicks": 1, "orders_closed": 1}},
        results={"order:o1": withdrawn(status="received", at_ms=after(2))},
    ),
    Story(
        name="a closing step carries no currency, so it closes an order in any",
        records=[click(), paid(at=1, currency="USD"), step("closed", at=2)],
        counters={"n1": {"clicks": 1, "orders_closed": 1}},
        results={"order:o1": withdrawn(currency="USD")},
    ),
    Story(
        name="a release that comes before its freeze holds nothing back and releases nothing",
        records=[click(), paid(at=1), step("unfrozen", at=2), step("frozen", at=3)],
        counters={"n1": {"clicks": 1, "orders_held": 1}},
        results={"order:o1": held(status="frozen")},
    ),
    Story(
        name="a refund that was taken back can be given again",
        records=[click(), paid(at=1), refund(at=4, amount=40), refund(at=3, amount=0), refund(at=2, amount=30)],
        counters={"n1": ONE | {"refunded_minor": {"CNY": 40}}},
        results={"order:o1": credited(refunded_minor=40, net_minor=60)},
    ),
    Story(
        name="a refund over the amount counts anew when a greater payment becomes the base",
        records=[click(), paid(at=5, amount=50), refund(at=6, amount=80), paid(at=4, amount=100)],
        counters={"n1": ONE | {"refunded_minor": {"CNY": 80}}},
        results={"order:o1": credited(gross_minor=100, refunded_minor=80, net_minor=20)},
    ),
]

RULES = [
    Story(
        name="a policy that closes an industry between click and order leaves the order credited",
        records=[click(at=0), paid(at=2 * HOUR), click(at=2 * HOUR, note="n2")],
        policies=[policy(1), policy(2, effective_from_ms=after(HOUR), industries={"*": "closed"})],
        counters={"n1": ONE, "n2": {"clicks_refused": 1}},
        results={"order:o1": credited("click@0", policy_version=1)},
        refusals={"click@0": None, f"click@{2 * HOUR}": "category_closed"},
    ),
    Story(
        name="a platform that a later policy lists is listed for the clicks from then on, not for those before",
        records=[
            click("a", at=HOUR - 1, platform="pdd"),
            entry(at=HOUR - 1, platform="pdd"),
            click("b", at=HOUR, platform="pdd"),
            entry(at=HOUR, platform="pdd"),
        ],
        policies=[policy(1), policy(2, effective_from_ms=after(HOUR), platforms=platforms(pdd={}))],
        counters={"n1": {"clicks": 1, "clicks_refused": 1, "entries": 1, "clicks_entered": 1}},
        results={
            f"entry:entry@{HOUR - 1}": refused("click_refused", "a", policy_version=1),
            f"entry:entry@{HOUR}": credited("b", policy_version=2),
        },
        refusals={"a": "platform_unknown", "b": None},
    ),
    Story(
        name="a gate below a category stops its branch, while the window of the category goes on for the others",
        records=[
            click("a", category="fmcg.skincare.cream", note="n1"),
            click("b", category="fmcg.food", note="n2"),
            favourite(at=29 * DAY),
        ],
        policies=[
            policy(
                gates=[{"category": "fmcg.skincare", "closed_from_ms": after(0)}],
                categories={"fmcg": {"windows": {"favourite": "30d"}}},
            )
        ],
        counters={"n1": {"clicks_refused": 1}, "n2": {"clicks": 1, "favourites": 1}},
        results={f"favourite:favourite@{29 * DAY}": credited("b")},
        refusals={"a": "gate_closed", "b": None},
    ),
    Story(
        name="a branch that is open within a closed category is open at any depth until something closer closes it",
        records=[
            click("a", category="toys"),
            click("b", category="toys.outdoor"),
            click("c", category="toys.outdoor.kites"),
            click("d", category="toys.outdoor.guns.water"),
        ],
        policies=[
            policy(industries={**DEFAULT_POLICY["industries"], "toys.outdoor": "open", "toys.outdoor.guns": "closed"})
        ],
        counters={"n1": {"clicks": 2, "clicks_refused": 2}},
        refusals={"a": "category_closed", "b": None, "c": None, "d": "category_closed"},
    ),
    Story(
        name="a policy that begins at midnight in Shanghai parts two clicks that are one millisecond apart",
        records=[click(at=-1, note="n1"), click(at=0, note="n2"), paid(at=0, order="o1"), paid(at=HOUR, order="o2")],
        policies=[
            policy(1),
            policy(2, effective_from_ms=after(0), windows=dict(DEFAULT_POLICY["windows"], order="1h")),
        ],
        counters={"n1": ONE, "n2": ONE},
        results={
            "order:o1": credited("click@0", policy_version=2),
            "order:o2": credited("click@-1", policy_version=1),
        },
    ),
    Story(
        name="a gate for one day in Shanghai is closed from midnight to midnight",
        records=[click(at=-1), click(at=0), click(at=DAY - 1), click(at=DAY)],
        policies=[policy(gates=[{"platform": "tmall", "closed_from_ms": after(0), "closed_to_ms": after(DAY)}])],
        counters={"n1": {"clicks": 2, "clicks_refused": 2}},
        refusals={"click@-1": None, "click@0": "gate_closed", f"click@{DAY - 1}": "gate_closed", f"click@{DAY}": None},
    ),
]

STORIES = [*LATE_CLICKS, *CONFLICTS, *LIVES, *RULES]
