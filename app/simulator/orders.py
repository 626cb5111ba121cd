"""The lives of orders: which steps an order goes through, when, and with what money."""

from collections.abc import Iterator
from random import Random

from app.simulator.facts import Shop, Step
from app.simulator.pace import DAY_MS, HOUR_MS, STEP_LATENESS
from app.simulator.population import CURRENCIES

# How often an order lives which life.  `refunded`: a part of the amount under a refund id of its own;
# `again`: the last refund under the same id with another amount; `taken_back`: the last refund set to 0;
# `all`: a refund of more than is left; `abroad`: a refund in a currency that is not the order's.
_LIVES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (24, ("paid",)),
    (20, ("paid", "received")),
    (24, ("paid", "received", "settled")),
    (5, ("deposit", "paid", "received", "settled")),
    (3, ("deposit",)),
    (1, ("deposit", "closed")),
    (4, ("paid", "closed")),
    (1, ("received",)),
    (1, ("received", "settled")),
    (5, ("paid", "received", "refunded")),
    (2, ("paid", "refunded", "refunded", "settled")),
    (1, ("paid", "refunded", "again")),
    (1, ("paid", "received", "refunded", "taken_back", "settled")),
    (1, ("paid", "refunded", "all", "closed")),
    (1, ("paid", "refunded", "all")),
    (1, ("paid", "abroad", "settled")),
    (1, ("deposit", "paid_abroad", "received")),
    (1, ("paid", "paid")),
    (1, ("paid", "frozen")),
    (1, ("paid", "frozen", "unfrozen", "received")),
    (1, ("paid", "frozen", "unfrozen", "frozen")),
)
_CHOICES = [life for share, life in _LIVES for _ in range(share)]
_GAP_MS = {
    "received": (1 * DAY_MS, 5 * DAY_MS),
    "settled": (7 * DAY_MS, 12 * DAY_MS),
    "closed": (1 * HOUR_MS, 2 * DAY_MS),
}
_OTHER_GAP_MS = (10 * 60_000, 3 * DAY_MS)
_NEW_REFUND = frozenset(("refunded", "all", "abroad"))
_STATUS = {"paid_abroad": "paid"} | dict.fromkeys(("again", "taken_back", "all", "abroad"), "refunded")


def order_life(random: Random, token: str, shop: Shop, at_ms: int) -> Iterator[tuple[int, Step]]:
    """The steps of one order that begins at `at_ms`, each with the moment its record is sent, in ms."""
    life = _CHOICES[int(random.random() * len(_CHOICES))]
    order_id = str(4 * 10**18 + random.getrandbits(61))
    amount_minor = 990 + int(random.random() ** 3 * 90_000)
    currency = CURRENCIES[int(random.random() * len(CURRENCIES))]
    refund_id: str | None = None
    for move in life:
        status = _STATUS.get(move, move)
        if move in _NEW_REFUND:
            refund_id = f"r{random.getrandbits(48):012x}"
        paid = _money(random, move, amount_minor)
        step = Step(
            event_id=f"{random.getrandbits(96):024x}",
            token=token,
            at_ms=at_ms,
            shop=shop,
            order_id=order_id,
            status=status,
            amount_minor=paid,
            currency=None if paid is None else "EUR" if move.endswith("abroad") else currency,
            refund_id=refund_id if status == "refunded" else None,
        )
        yield at_ms + STEP_LATENESS.draw(random), step
        shortest, longest = _GAP_MS.get(move, _OTHER_GAP_MS)
        at_ms += shortest + int(random.random() * (longest - shortest))


def _money(random: Random, move: str, amount_minor: int) -> int | None:
    """The amount that a step carries, or None."""
    if move in ("paid", "paid_abroad", "all"):
        return amount_minor
    if move in ("refunded", "again", "abroad"):
        return 1 + int(random.random() * amount_minor * 0.6)
    return {"deposit": amount_minor // 10, "taken_back": 0}.get(move)
