"""Counters as the dashboard tells them: steps of a funnel, shares of a whole, what changed.  Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.counters import Counters, amounts
from app.dashboard.numbers import NONE, Numbers
from app.dashboard.texts import Texts
from app.money import digits_of

MAIN_CURRENCY: Final = "CNY"
STEPS: Final = ("reads", "clicks", "entries", "carts", "orders")


class Step(NamedTuple):
    """A step of a funnel: its number, and the share of the step before with what that says."""

    name: str
    value: str
    share: float | None
    rate: str
    says: str


def net(counters: Counters) -> dict[str, int]:
    """What is left of the money, by currency."""
    gross, refunded = amounts(counters, "gross_minor"), amounts(counters, "refunded_minor")
    return {currency: gross.get(currency, 0) - refunded.get(currency, 0) for currency in gross | refunded}


def main_currency(*sums: Mapping[str, int]) -> str:
    """The currency to draw and compare: CNY where there is any, else the first."""
    known = sorted({currency for amounts_by in sums for currency in amounts_by})
    return MAIN_CURRENCY if MAIN_CURRENCY in known or not known else known[0]


def others(amounts_by: Mapping[str, int], main: str, numbers: Numbers) -> str:
    """Money in other currencies than the main one; they are never added up."""
    rest = {currency: amount for currency, amount in amounts_by.items() if currency != main and amount}
    return f"+ {numbers.money(rest, compact=True)}" if rest else ""


def money_line(amounts_by: Mapping[str, int], numbers: Numbers) -> str:
    """Money in few words: the main currency, and a plus sign where there are others."""
    main = main_currency(amounts_by)
    more = " +" if any(amount for currency, amount in amounts_by.items() if currency != main) else ""
    return numbers.money({main: amounts_by.get(main, 0)}, compact=True) + more


def drawn(counters: Counters, name: str, currency: str) -> float:
    """A counter as charts draw it: money in whole units of one currency."""
    if not name.endswith("_minor"):
        return counters.get(name, 0)
    by_currency = net(counters) if name == "net_minor" else amounts(counters, name)
    return by_currency.get(currency, 0) / float(10 ** digits_of(currency))


def share(part: float, whole: float) -> float | None:
    """A share; None of nothing."""
    return part / whole if whole else None


def funnel(counters: Counters, texts: Texts, numbers: Numbers, *, reads: bool = True) -> list[Step]:
    """Reads to orders, each step with its share of the one before; reads are left out where they are not counted.

    Clicks are those accepted.  The entry step's rate is the share of clicks that entered at least once; carts and
    orders may be more than what stands before them, since one entry may bring several.
    """
    get = counters.get
    clicks, entries, carts, orders = (get(name, 0) for name in STEPS[1:])
    rates = {
        "clicks": share(clicks, get("reads", 0)) if reads else None,
        "entries": share(get("clicks_entered", 0), clicks),
        "carts": share(carts, entries),
        "orders": share(orders, carts),
    }
    steps = []
    for name in STEPS if reads else STEPS[1:]:
        rate = rates.get(name)
        says = texts.step_rates[name] if rate is not None else ""
        value = numbers.compact(get(name, 0))
        steps.append(Step(texts.counters[name], value, rate, "" if rate is None else numbers.share(rate), says))
    return steps


def tone(now: float, before: float, *, less_is_better: bool = False) -> str:
    """Good, bad or neither, for a figure against an earlier one; within a hundredth they are equal."""
    if not before or abs(now / before - 1) < 0.01:
        return ""
    return "good" if (now > before) != less_is_better else "bad"


def percent(part: float, whole: float, numbers: Numbers) -> str:
    """A share as text."""
    one = share(part, whole)
    return NONE if one is None else numbers.share(one)
