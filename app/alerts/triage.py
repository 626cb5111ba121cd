"""What people want to know first: what broke, since when, what it costs.  Pure."""

from datetime import datetime
from typing import Final, NamedTuple

from app.alerts.calendar import SHANGHAI
from app.alerts.model import Metric
from app.alerts.record import AlertRecord
from app.alerts.triage_texts import CHINESE, ENGLISH, TriageTexts

FEWEST_ORDERS: Final = 5  # from which on they say what a click is worth
RATES: Final = frozenset(("entry_rate", "cart_rate", "order_rate", "refund_rate", "refused_share", "dead_letter_share"))
TEXTS: Final = {"en": ENGLISH, "zh": CHINESE}


class Worth(NamedTuple):
    """What the clicks of a scope have brought so far, in its main currency."""

    clicks: int
    entered: int
    carts: int
    orders: int
    net_minor: int
    currency: str


class Lost(NamedTuple):
    """Money an hour: estimate, low, high, in minor units."""

    minor: tuple[int, int, int]
    currency: str


def lost_per_hour(metric: Metric, missing: tuple[float, float, float], worth: Worth | None) -> Lost | None:
    """What is missing an hour in money: as many orders as usually follow, each of the usual amount.

    The interval is that of what is missing.  None where it cannot be told.
    """
    if worth is None or worth.orders < FEWEST_ORDERS:
        return None
    base = {
        "clicks": worth.clicks, "entry_rate": worth.entered, "entries": worth.entered, "cart_rate": worth.carts,
        "order_rate": worth.orders, "orders": worth.orders, "refund_rate": -worth.orders,
    }.get(metric, 0)  # fmt: skip
    if not base:
        return None
    each = worth.net_minor / base
    estimate, *ends = (max(0, round(count * each)) for count in missing)
    return Lost((estimate, min(ends), max(ends)), worth.currency)


def summary_of(record: AlertRecord, language: str = "en") -> str:
    """One sentence, for lists and titles."""
    texts = TEXTS[language]
    what = texts.metrics[record.metric]
    where = where_of(record, texts)
    if record.state == "resolved":
        return texts.resolved.format(what=what, where=where, why=_why(record.reason, texts))
    values = {"observed": figure(record, record.observed), "expected": figure(record, record.expected)}
    sentence = texts.broken.format(what=what, where=where, **values)
    return sentence + (texts.costs.format(money=money_of(record)) if _costs(record) else "")


def title_of(record: AlertRecord, event: str, language: str) -> str:
    """The headline of a message."""
    texts = TEXTS[language]
    loudness = f"{texts.events[event]} · {texts.severities[record.severity]}"
    return f"[{loudness}] {where_of(record, texts)}: {texts.metrics[record.metric]}"


def body_of(record: AlertRecord, moved: list[str], language: str) -> str:
    """The lines of a message: what, since when, how much, what else; `moved` are further lines."""
    texts = TEXTS[language]
    lines = [summary_of(record, language), texts.since.format(since=clock(record.since_ms), at=clock(record.at_ms))]
    if record.state != "resolved":
        lines.append(texts.sample.format(sample=f"{record.sample:,.0f}", rule=record.rule))
        if _costs(record):
            lines.append(texts.loses.format(money=money_of(record), interval=_interval(record)))
        if record.affected:
            lines.append(texts.affected.format(scopes=", ".join(record.affected)))
        lines += moved
    lines.append(texts.alert.format(alert_id=record.alert_id))
    return "\n".join(lines)


def where_of(record: AlertRecord, texts: TriageTexts) -> str:
    """The scope in words."""
    kind = texts.scopes[record.scope]
    return kind if record.scope == "all" else f"{kind} {record.id}"


def figure(record: AlertRecord, value: float) -> str:
    """A value of the record's metric."""
    if record.metric in RATES:
        return f"{100 * value:.1f} %"
    return f"{value:,.0f} s" if record.metric == "lateness_s" else f"{value:,.0f}"


def clock(at_ms: int) -> str:
    """A moment as people in Shanghai write it."""
    return datetime.fromtimestamp(at_ms / 1_000, SHANGHAI).strftime("%m-%d %H:%M")


def money_of(record: AlertRecord) -> str:
    """The estimate of what is lost in an hour."""
    minor = (record.lost_minor_per_hour or (0, 0, 0))[0]
    return f"{record.currency} {minor / 100:,.0f}"


def _interval(record: AlertRecord) -> str:
    _, low, high = record.lost_minor_per_hour or (0, 0, 0)
    return f"{low / 100:,.0f} – {high / 100:,.0f}"  # noqa: RUF001  # a range


def _costs(record: AlertRecord) -> bool:
    return record.lost_minor_per_hour is not None and record.lost_minor_per_hour[0] > 0


def _why(reason: str, texts: TriageTexts) -> str:
    name, _, rest = reason.partition(" ")
    return texts.reasons.get(name, reason).format(rest)
