"""One journey: all facts of one token, evaluated together and apart from every other journey."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.oracle.credit import Click, clicks_of
from tests.oracle.intake import Fields
from tests.oracle.orders import Order, orders_of
from tests.oracle.policy import Document
from tests.oracle.results import Result, action_result, entry_result, order_result


@dataclass(frozen=True)
class Journey:
    """What the facts of one token come to."""

    clicks: Sequence[Click]
    orders: Mapping[str, Order]
    results: Sequence[Result]


def journey_of(facts: Mapping[str, Sequence[Fields]], policies: Sequence[Document]) -> Journey:
    """Evaluate one token's facts, given by topic; the outcome depends on nothing but them and the policies."""
    clicks = clicks_of(facts.get("click-out", ()), policies)
    orders = orders_of(facts.get("order", ()))
    results = [
        *(entry_result(entry, clicks) for entry in facts.get("shop-entry", ())),
        *(action_result(action, clicks) for action in facts.get("shop-action", ())),
        *(order_result(order, clicks) for order in orders.values()),
    ]
    return Journey(clicks, orders, results)
