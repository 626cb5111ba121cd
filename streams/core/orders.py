"""An order: all steps of one order id in one journey, read as a whole."""

from collections.abc import Iterable

import msgspec

from streams.core.facts import Status, Step, moment


class Order(msgspec.Struct, frozen=True, gc=False):
    """What the steps of one order amount to."""

    base: Step  # the earliest paid step, or the earliest step if none is paid
    status: Status  # of the latest step
    paid: bool
    closed: bool
    frozen: bool
    amount_minor: int
    refunded_minor: int
    mismatched: int  # steps ignored because they carry another currency than the base


def orders(steps: Iterable[Step]) -> dict[str, Order]:
    """The orders of a journey by order id."""
    by_order: dict[str, list[Step]] = {}
    for step in steps:
        by_order.setdefault(step.order_id, []).append(step)
    return {order_id: read_order(of_order) for order_id, of_order in by_order.items()}


def read_order(steps: list[Step]) -> Order:
    """Fold the steps of one order, given in any order."""
    steps = sorted(steps, key=moment)
    base = next((step for step in steps if step.status == "paid"), steps[0])
    heeded = [step for step in steps if not _mismatched(step, base)]
    latest_hold = next((step.status for step in reversed(heeded) if step.status in ("frozen", "unfrozen")), None)
    amount = base.amount_minor or 0
    return Order(
        base=base,
        status=heeded[-1].status,
        paid=base.status == "paid",
        closed=any(step.status == "closed" for step in heeded),
        frozen=latest_hold == "frozen",
        amount_minor=amount,
        refunded_minor=min(_refunds(heeded), amount),
        mismatched=len(steps) - len(heeded),
    )


def _mismatched(step: Step, base: Step) -> bool:
    return base.currency is not None and step.currency is not None and step.currency != base.currency


def _refunds(steps: list[Step]) -> int:
    """Sum over refund ids of the latest step of each; `steps` ascend."""
    latest: dict[str, int] = {}
    for step in steps:
        if step.refund_id is not None:
            latest[step.refund_id] = step.amount_minor or 0
    return sum(latest.values())
