"""Stories of refunds and currencies."""

from tests.behaviour.builders import Story, click, credited, deposit, paid, pending, refund, step

ONE = {"clicks": 1, "orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 100}}


def refunded(amount: int) -> dict[str, object]:
    """The counters of one order of 100 fen of which so much was refunded."""
    return ONE | {"refunded_minor": {"CNY": amount}}


REFUNDS = [
    Story(
        name="a refund lowers the net, not the gross",
        records=[click(), paid(at=1), refund(at=2, amount=30)],
        counters={"n1": refunded(30)},
        results={"order:o1": credited(status="refunded", gross_minor=100, refunded_minor=30, net_minor=70)},
    ),
    Story(
        name="several refunds add up",
        records=[click(), paid(at=1), refund(at=2, amount=30, refund_id="r1"), refund(at=3, amount=20, refund_id="r2")],
        counters={"n1": refunded(50)},
        results={"order:o1": credited(refunded_minor=50, net_minor=50)},
    ),
    Story(
        name="of two steps of one refund the later one counts, whichever arrives first",
        records=[
            click(),
            paid(at=1),
            refund(at=3, amount=50),
            refund(at=2, amount=30),
            refund("a", at=5, amount=7, refund_id="r2"),
            refund("b", at=5, amount=5, refund_id="r2"),
        ],
        counters={"n1": refunded(55)},
        results={"order:o1": credited(refunded_minor=55, net_minor=45)},
    ),
    Story(
        name="a refund is taken back by the same refund with nothing",
        records=[click(), paid(at=1), refund(at=3, amount=0), refund(at=2, amount=30)],
        counters={"n1": ONE},
        results={"order:o1": credited(status="refunded", refunded_minor=0, net_minor=100)},
    ),
    Story(
        name="no more is refunded than the order's amount, and the cap looks at the sum",
        records=[
            click(),
            paid(at=1),
            refund(at=2, amount=80, refund_id="r1"),
            refund(at=3, amount=90, refund_id="r2"),
            refund(at=4, amount=10, refund_id="r1"),
            paid(at=1, order="o2"),
            refund(at=2, order="o2", amount=80, refund_id="r1"),
            refund(at=3, order="o2", amount=40, refund_id="r2"),
        ],
        counters={"n1": ONE | {"orders": 2, "gross_minor": {"CNY": 200}, "refunded_minor": {"CNY": 200}}},
        results={
            "order:o1": credited(refunded_minor=100, net_minor=0),
            "order:o2": credited(refunded_minor=100, net_minor=0),
        },
    ),
    Story(
        name="a refund that is reported or even dated before the payment counts",
        records=[click(), refund(at=1, amount=30), paid(at=2)],
        counters={"n1": refunded(30)},
        results={"order:o1": credited(status="paid", refunded_minor=30)},
    ),
    Story(
        name="a refund of an order never paid leaves it pending",
        records=[click(), refund(at=1, amount=30)],
        counters={"n1": {"clicks": 1, "orders_pending": 1}},
        results={"order:o1": pending(status="refunded")},
    ),
    Story(
        name="one refund id in two orders names two refunds",
        records=[
            click(),
            paid(at=1, order="o1"),
            refund(at=2, order="o1", amount=30),
            paid(at=1, order="o2"),
            refund(at=3, order="o2", amount=20),
        ],
        counters={"n1": ONE | {"orders": 2, "gross_minor": {"CNY": 200}, "refunded_minor": {"CNY": 50}}},
        results={"order:o1": credited(refunded_minor=30), "order:o2": credited(refunded_minor=20)},
    ),
]

CURRENCIES = [
    Story(
        name="orders in several currencies are kept apart",
        records=[
            click(),
            paid(at=1, order="o1"),
            paid(at=1, order="o2", amount=70, currency="USD"),
            refund(at=2, order="o2", amount=5, currency="USD"),
        ],
        counters={
            "n1": ONE | {"orders": 2, "gross_minor": {"CNY": 100, "USD": 70}, "refunded_minor": {"USD": 5}},
        },
        results={"order:o1": credited(currency="CNY"), "order:o2": credited(currency="USD", net_minor=65)},
    ),
    Story(
        name="a refund in another currency is ignored, also for the status",
        records=[click(), paid(at=1), refund(at=2, amount=30, currency="USD")],
        counters={"n1": ONE},
        results={"order:o1": credited(status="paid", refunded_minor=0, net_minor=100)},
        seen={"currency_mismatch": 1, "order_reused": 0},
    ),
    Story(
        name="an ignored refund does not hide an earlier one of the same id",
        records=[click(), paid(at=1), refund(at=2, amount=30), refund(at=3, amount=0, currency="USD")],
        counters={"n1": refunded(30)},
        results={"order:o1": credited(refunded_minor=30)},
        seen={"currency_mismatch": 1, "order_reused": 0},
    ),
    Story(
        name="deposits and later payments in another currency are ignored, each counted once",
        records=[
            click(),
            deposit(at=1, currency="USD"),
            paid(at=2),
            paid(at=3, currency="EUR"),
            paid(at=3, currency="EUR"),
        ],
        counters={"n1": ONE},
        results={"order:o1": credited(status="paid", currency="CNY", gross_minor=100)},
        seen={"currency_mismatch": 2, "order_reused": 0},
    ),
    Story(
        name="a base without a currency ignores none",
        records=[click(), step("received", at=1), deposit(at=2, currency="USD"), refund(at=3)],
        counters={"n1": {"clicks": 1, "orders_pending": 1}},
        results={"order:o1": pending(status="refunded", currency=None)},
    ),
    Story(
        name="the base of an unpaid order ignores other currencies too",
        records=[click(), deposit(at=1, currency="USD"), refund(at=2)],
        counters={"n1": {"clicks": 1, "orders_pending": 1}},
        results={"order:o1": pending(status="deposit", currency="USD")},
        seen={"currency_mismatch": 1, "order_reused": 0},
    ),
    Story(
        name="a payment turns the currencies that are ignored around",
        records=[click(), deposit(at=1, currency="USD"), refund(at=2, amount=30), paid(at=3)],
        counters={"n1": refunded(30)},
        results={"order:o1": credited(status="paid", refunded_minor=30)},
        seen={"currency_mismatch": 1, "order_reused": 0},
    ),
]

STORIES = [*REFUNDS, *CURRENCIES]
