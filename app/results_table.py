"""Results for people: one line each while they come, or a table."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from app.money import money
from app.texts import CHINESE, ENGLISH, Texts
from streams.core.results import Result

STYLES: Final = {"credited": "green", "refused": "dim", "withdrawn": "red", "void": "red"}
OUTCOME: Final = 2  # the place of the coloured column


class ResultTexts(NamedTuple):
    """What is said about results in one language."""

    time: str
    result: str
    outcome: str
    note: str
    gross: str
    refunded: str
    token: str
    revision: str
    following: str
    some: str
    none: str


RESULT_TEXTS: Final[Mapping[Texts, ResultTexts]] = {
    ENGLISH: ResultTexts(
        time="time of the fact",
        result="result",
        outcome="outcome",
        note="note",
        gross="gross",
        refunded="refunded",
        token="token",  # noqa: S106  # a header
        revision="revision",
        following="results of {topic} as they become readable; Ctrl-C stops",
        some="{shown} of {all} results, the latest facts first",
        none="no such result in {topic}",
    ),
    CHINESE: ResultTexts(
        time="事实时间",
        result="结果",
        outcome="判定",
        note="笔记",
        gross="成交额",
        refunded="退款",
        token="token",  # noqa: S106  # as above
        revision="修订号",
        following="{topic} 的结果，可读后即显示；按 Ctrl-C 停止",
        some="共 {all} 条结果，显示事实时间最近的 {shown} 条",
        none="{topic} 中没有这样的结果",
    ),
}


class Column(NamedTuple):
    """A column of both forms: its header, and how wide it is in lines, where a longer content pushes the rest."""

    header: str
    width: int


def columns(texts: ResultTexts) -> list[Column]:
    """From left to right."""
    return [
        Column(texts.time, 19),
        Column(texts.result, 27),
        Column(texts.outcome, 23),
        Column(texts.note, 26),
        Column(texts.gross, 16),
        Column(texts.refunded, 14),
        Column(texts.token, 32),
        Column(texts.revision, 8),
    ]


def header(texts: ResultTexts) -> Text:
    """The line above all lines."""
    return Text("  ".join(_padded(column.header, column.width) for column in columns(texts)).rstrip(), "bold")


def line(result: Result, texts: ResultTexts) -> Text:
    """A result as one line."""
    shown = Text()
    for place, (cell, column) in enumerate(zip(_cells(result), columns(texts), strict=True)):
        style = STYLES.get(result.outcome, "") if place == OUTCOME else ""
        shown.append(_padded(cell, column.width) + "  ", style)
    shown.rstrip()
    return shown


def table(results: Iterable[Result], texts: ResultTexts) -> Table:
    """Results as rows."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns(texts):
        made.add_column(column.header, overflow="fold")
    for result in results:
        cells = [Text(cell) for cell in _cells(result)]
        cells[OUTCOME].stylize(STYLES.get(result.outcome, ""))
        made.add_row(*cells)
    return made


def _cells(result: Result) -> Iterator[str]:
    yield _local_time(result.at_ms) if result.at_ms is not None else ""
    yield result.result_id
    yield result.outcome if result.reason is None else f"{result.outcome}: {result.reason}"
    yield result.note_id or (f"({result.nearest_note_id})" if result.nearest_note_id else "")
    for amount in (result.gross_minor, result.refunded_minor):
        yield money(amount, result.currency) if amount and result.currency else ""
    yield result.token
    yield str(result.revision)


def _local_time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1_000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
