"""The life of one order, read from all its steps at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.oracle.credit import moment
from tests.oracle.intake import Fields


@dataclass(frozen=True)
class Order:
    """One order of one journey."""

    base: Fields
    steps: Sequence[Fields]  # those that count, in order of time
    ignored: Sequence[Fields]  # those in another currency than the base's

    @property
    def status(self) -> str:
        """That of the latest step that counts."""
        return str(self.steps[-1]["status"])

    def hindrance(self) -> tuple[str, str] | None:
        """What keeps an order with a candidate from being credited: outcome and reason, first that applies."""
        statuses = [step["status"] for step in self.steps]
        if "closed" in statuses:
            return "withdrawn", "order_closed"
        if "paid" not in statuses:
            return "pending", "not_paid"
        if [status for status in statuses if status in ("frozen", "unfrozen")][-1:] == ["frozen"]:
            return "held", "order_frozen"
        return None

    def refunded_minor(self) -> int:
        """The sum of the latest step of each refund, but never more than the order's amount."""
        latest = {step["refund_id"]: step["amount_minor"] for step in self.steps if step["status"] == "refunded"}
        return int(min(sum(latest.values()), self.base["amount_minor"]))


def orders_of(steps: Iterable[Fields]) -> dict[str, Order]:
    """The orders of a journey by order id: all steps with one order id are one order."""
    by_order: dict[str, list[Fields]] = {}
    for step in sorted(steps, key=moment):
        by_order.setdefault(step["order_id"], []).append(step)
    return {order_id: _order(of_one) for order_id, of_one in by_order.items()}


def _order(steps: Sequence[Fields]) -> Order:
    """The base is the earliest paid step, or the earliest of all if none is paid; `steps` are in order of time."""
    base = next((step for step in steps if step["status"] == "paid"), steps[0])
    ignored = [step for step in steps if _is_in_another_currency(step, base)]
    return Order(base, [step for step in steps if step not in ignored], ignored)


def _is_in_another_currency(step: Fields, base: Fields) -> bool:
    """Only a step that carries a currency can differ, and only from a base that has one."""
    return "currency" in step and "currency" in base and step["currency"] != base["currency"]
