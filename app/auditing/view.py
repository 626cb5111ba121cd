"""An audit for people: the ledger as tables, then what was compared, what is wrong and what was not looked at."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from app.auditing.report import Compared, Reason, Report
from app.auditing.sentences import sentence
from app.auditing.texts_en import AuditTexts
from app.dead_letters.view import safe
from app.explaining.times import Zone
from streams.rollups import HOUR_MS

NUMBERS: Final = ("consumed", "distinct", "absorbed", "duplicates", "conflicts", "forwarded")
KINDS: Final = ("entry", "favourite", "cart", "order")
SHOWN_ORDERS: Final = 20


def shown(report: Report, texts: AuditTexts, times: Zone) -> Iterator[Text | Table]:
    """The whole report."""
    ledger = report.ledger()
    yield _topics(ledger["topics"], texts)
    if ledger["outcomes"]:
        yield Text()
        yield _outcomes(ledger["outcomes"], texts)
    yield Text()
    if mismatched := ledger["seen"]["currency_mismatch"]:
        yield Text(texts.currency_mismatch.format(count=f"{mismatched:,}"))
    if report.reused_orders:
        yield Text(_reused(report.reused_orders, texts))
    if report.compared is not None:
        yield Text(_compared(report.compared, report.unchecked, texts, times))
    for reason, checks in _by_reason(report.unchecked).items():
        names = ", ".join(texts.checks[check] for check in checks)
        yield Text(texts.unchecked.format(checks=names, reason=texts.reasons[reason]), "yellow")
    yield from _problems(report, texts, times)


def _topics(topics: Mapping[str, Mapping[str, Any]], texts: AuditTexts) -> Table:
    table = _table()
    table.add_column(texts.columns["topic"], no_wrap=True)
    for name in NUMBERS:
        table.add_column(texts.columns[name], justify="right", no_wrap=True)
    table.add_column(texts.columns["invalid"])
    for topic, numbers in topics.items():
        invalid = ", ".join(f"{safe(code)} {count:,}" for code, count in sorted(numbers["invalid"].items()))
        table.add_row(topic, *(_number(numbers.get(name)) for name in NUMBERS), Text(invalid))
    return table


def _outcomes(outcomes: Mapping[str, Mapping[str, int]], texts: AuditTexts) -> Table:
    table = _table()
    table.add_column(texts.columns["outcome"], no_wrap=True)
    for kind in KINDS:
        table.add_column(texts.columns[kind], justify="right", no_wrap=True)
    for outcome in sorted({outcome for of_kind in outcomes.values() for outcome in of_kind}):
        name = Text(safe(outcome.rstrip("/").replace("/", ": ")))
        table.add_row(name, *(_number(outcomes.get(kind, {}).get(outcome)) for kind in KINDS))
    return table


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")


def _number(count: int | None) -> Text:
    return Text("-", "dim") if count is None else Text(f"{count:,}", "" if count else "dim")


def _reused(orders: list[str], texts: AuditTexts) -> str:
    names = ", ".join(map(safe, orders[:SHOWN_ORDERS]))
    more = len(orders) - SHOWN_ORDERS
    told = texts.reused.format(count=f"{len(orders):,}", orders=names)
    return f"{told} {texts.more_orders.format(count=f'{more:,}')}" if more > 0 else told


def _compared(compared: Compared, unchecked: Mapping[Any, Reason], texts: AuditTexts, times: Zone) -> str:
    parts = [texts.recounted.format(journeys=f"{compared.journeys:,}")]
    if compared.complete:
        parts.append(texts.complete)
    elif compared.hours:
        since = times.short(compared.hours.start * HOUR_MS)
        parts.append(texts.expired.format(hours=f"{len(compared.hours):,}", since=since))
    else:
        parts.append(texts.no_hours)
    if unchecked.get("results") in (None, "retention"):
        parts.append(texts.published.format(results=f"{compared.results:,}"))
    return "; ".join(parts)


def _by_reason(unchecked: Mapping[Any, Reason]) -> dict[Reason, list[Any]]:
    reasons: dict[Reason, list[Any]] = {}
    for check, reason in unchecked.items():
        reasons.setdefault(reason, []).append(check)
    return reasons


def _problems(report: Report, texts: AuditTexts, times: Zone) -> Iterable[Text]:
    count = report.problems.counts.total()
    if not count:
        yield Text(texts.rest_balances if report.unchecked else texts.balances, "bold green")
        return
    yield Text(texts.some.format(count=f"{count:,}"), "bold red")
    for problem in report.problems:
        yield Text(f"  {sentence(problem, texts, times)}")
    for kind, left in report.problems.left_out().items():
        yield Text(f"  {kind}: {texts.more.format(count=f'{left:,}')}")
