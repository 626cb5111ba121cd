"""Stories of orders: their base, what hinders them, refunds, currencies."""

from tests.behaviour.builders import (
    DAY,
    Story,
    after,
    click,
    credited,
    deposit,
    held,
    paid,
    pending,
    refund,
    refused,
    step,
    withdrawn,
)

ONE = {"clicks": 1, "orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 100}}
PENDING = {"clicks": 1, "orders_pending": 1}
HELD = {"clicks": 1, "orders_held": 1}
CLOSED = {"clicks": 1, "orders_closed": 1}

BASES = [
    Story(
        name="a paid order is credited with all that was paid",
        records=[click(), paid(at=1)],
        counters={"n1": ONE},
        results={
            "order:o1": credited(
                result_id="order:o1",
                kind="order",
                token="t1",
                at_ms=after(1),
                note_id="n1",
                order_id="o1",
                status="paid",
                gross_minor=100,
                refunded_minor=0,
                net_minor=100,
                currency="CNY",
            )
        },
    ),
    Story(
        name="a deposit waits for the payment and carries no money",
        records=[click(), deposit(at=1)],
        counters={"n1": PENDING},
        results={"order:o1": pending(status="deposit", note_id="n1")},
    ),
    Story(
        name="the payment takes the deposit's place: its time and its amount count",
        records=[click(), deposit(at=1, amount=20), paid(at=2, amount=100)],
        counters={"n1": ONE},
        results={"order:o1": credited(at_ms=after(2), gross_minor=100, status="paid")},
    ),
    Story(
        name="a deposit inside the window does not save a payment outside",
        records=[click(), deposit(at=14 * DAY), paid(at=15 * DAY)],
        counters={"n1": {"clicks": 1}},
        results={"order:o1": refused("window_passed", "click@0", at_ms=after(15 * DAY), status="paid", gross_minor=0)},
    ),
    Story(
        name="an unpaid order is where and when its earliest step is",
        records=[click(), deposit(at=2, merchant_id="m2"), deposit(at=1), step("received", at=3, platform="jd")],
        counters={"n1": PENDING},
        results={"order:o1": pending(merchant_id="m1", platform="tmall", at_ms=after(1), status="received")},
    ),
    Story(
        name="the earliest of several payments is the base",
        records=[click(), paid(at=2, amount=70, merchant_id="m2"), paid(at=1, amount=100)],
        counters={"n1": ONE},
        results={"order:o1": credited(at_ms=after(1), gross_minor=100, merchant_id="m1")},
    ),
    Story(
        name="of payments of the same time the one with the smaller event id is the base, as text: p10 before p9",
        records=[click(), paid("p9", at=1, amount=9), paid("p10", at=1, amount=100)],
        counters={"n1": ONE},
        results={"order:o1": credited(gross_minor=100)},
    ),
    Story(
        name="an earlier payment that arrives late moves the order to the click before it",
        records=[click(at=0, note="n1"), click(at=10, note="n2"), paid(at=20, amount=70), paid(at=5, amount=100)],
        counters={"n1": ONE, "n2": {"clicks": 1}},
        results={"order:o1": credited("click@0", at_ms=after(5), gross_minor=100)},
    ),
    Story(
        name="receipt and settlement change the status only, and the latest step gives it",
        records=[click(), paid(at=1), step("settled", at=3), step("received", at=2)],
        counters={"n1": ONE},
        results={"order:o1": credited(status="settled", gross_minor=100)},
    ),
    Story(
        name="of steps of the same time the greater event id gives the status",
        records=[click(), paid(at=1), step("settled", "a", at=2), step("received", "b", at=2)],
        counters={"n1": ONE},
        results={"order:o1": credited(status="received")},
    ),
    Story(
        name="an order of nothing is an order without money",
        records=[click(), paid(at=1, amount=0)],
        counters={"n1": {"clicks": 1, "orders": 1, "clicks_ordered": 1}},
        results={"order:o1": credited(gross_minor=0, net_minor=0)},
    ),
    Story(
        name="an order under two tokens counts under both and is seen",
        records=[click(), click(token="t2", note="n2"), paid(at=1), paid(at=1, token="t2"), paid(at=1, order="o2")],
        counters={"n1": {**ONE, "orders": 2, "gross_minor": {"CNY": 200}}, "n2": ONE},
        results={"order:o1": credited(), "t2/order:o1": credited(), "order:o2": credited()},
        seen={"currency_mismatch": 0, "order_reused": 1},
    ),
]

HINDRANCES = [
    Story(
        name="a closed order stays withdrawn, also when it was never paid or is paid later",
        records=[
            click(),
            paid(at=1, order="o1"),
            step("closed", at=2, order="o1"),
            deposit(at=1, order="o2"),
            step("closed", at=2, order="o2"),
            step("closed", at=1, order="o3"),
            paid(at=2, order="o3"),
        ],
        counters={"n1": {"clicks": 1, "orders_closed": 3}},
        results={
            "order:o1": withdrawn(status="closed"),
            "order:o2": withdrawn(status="closed"),
            "order:o3": withdrawn(status="paid", at_ms=after(2)),
        },
    ),
    Story(
        name="closed goes before not paid, and not paid before frozen",
        records=[
            click(),
            paid(at=1, order="o1"),
            step("frozen", at=2, order="o1"),
            step("closed", at=3, order="o1"),
            deposit(at=1, order="o2"),
            step("frozen", at=2, order="o2"),
        ],
        counters={"n1": {"clicks": 1, "orders_closed": 1, "orders_pending": 1}},
        results={"order:o1": withdrawn(), "order:o2": pending(status="frozen")},
    ),
    Story(
        name="a frozen order is held without its money",
        records=[click(), paid(at=1), step("frozen", at=2), refund(at=3)],
        counters={"n1": HELD},
        results={"order:o1": held(status="refunded")},
    ),
    Story(
        name="a released order is credited",
        records=[click(), paid(at=1), step("frozen", at=2), step("unfrozen", at=3)],
        counters={"n1": ONE},
        results={"order:o1": credited(status="unfrozen")},
    ),
    Story(
        name="freeze and release out of order end as their times say",
        records=[
            click(),
            paid(at=1),
            step("unfrozen", at=5),
            step("frozen", at=4),
            paid(at=1, order="o2"),
            step("frozen", at=6, order="o2"),
            step("unfrozen", at=5, order="o2"),
            step("frozen", at=4, order="o2"),
        ],
        counters={"n1": ONE | {"orders_held": 1}},
        results={"order:o1": credited(), "order:o2": held()},
    ),
    Story(
        name="of a freeze and a release of the same time the greater event id counts",
        records=[click(), paid(at=1), step("frozen", "f1", at=2), step("unfrozen", "f2", at=2), step("settled", at=9)],
        counters={"n1": ONE},
        results={"order:o1": credited(status="settled")},
    ),
    Story(
        name="an order frozen before it was paid is held once it is paid",
        records=[click(), step("frozen", at=1), paid(at=2)],
        counters={"n1": HELD},
        results={"order:o1": held(at_ms=after(2))},
    ),
    Story(
        name="without a candidate an order is refused, whatever its steps say",
        records=[
            click(),
            paid(at=-1, order="o1"),
            step("closed", at=1, order="o1"),
            deposit(at=-1, order="o2"),
            paid(at=-1, order="o3"),
            step("frozen", at=1, order="o3"),
        ],
        counters={"n1": {"clicks": 1}},
        results={
            "order:o1": refused("before_click", "click@0", status="closed", gross_minor=0),
            "order:o2": refused("before_click", "click@0", status="deposit"),
            "order:o3": refused("before_click", "click@0", status="frozen"),
        },
    ),
]

STORIES = [*BASES, *HINDRANCES]
