"""How an audit tells what it found: every problem a sentence, in two languages and for programs."""

from collections.abc import Iterator, Mapping
from datetime import UTC
from io import StringIO
from typing import Final, get_args

import pytest
from rich.console import Console

from app.auditing.problems import CHECK_OF, MOST, Kind, Problem, Problems
from app.auditing.report import Compared, Report, Unchecked
from app.auditing.sentences import json_of, sentence
from app.auditing.texts import CHINESE, audit_texts
from app.auditing.texts_en import ENGLISH, AuditTexts
from app.auditing.view import SHOWN_ORDERS, shown
from app.explaining.times import Zone
from streams.rollups import HOUR_MS

TIMES: Final = Zone("UTC", UTC)
HOUR: Final = str(1_790_000_000_000 // HOUR_MS)
CELL: Final = "|m1|tmall|fmcg|note|ad"
PLACES: Final[Mapping[Kind, dict[str, str]]] = {
    "balance": {"lane": "2", "topic": "order", "names": "distinct + duplicates + invalid + forwarded"},
    "conflicts": {"lane": "2", "topic": "order"},
    "buckets": {"lane": "2", "topic": "shop-action", "kinds": "favourite + cart"},
    "totals": {"row": "mm1", "name": "orders"},
    "counter": {"note": "n1", "cell": CELL, "name": "orders"},
    "counter_too_small": {"note": "n1", "cell": CELL, "name": "orders"},
    "line": {"name": "order:distinct"},
    "line_too_small": {"name": "order:distinct"},
    "unreadable": {"lane": "2", "token": "t1", "error": "it is broken"},
    "figures": {"note": "n1", "name": "reads"},
    "unreadable_note": {"note": "n1", "error": "it is broken"},
    "series_row": {"row": "nn1", "name": "orders"},
    "series_hour": {"hour": HOUR, "name": "orders"},
    "result_missing": {"token": "t1", "result": "order:o1"},
    "result_differs": {"token": "t1", "result": "order:o1", "fields": "note_id n1 != n2"},
    "result_stray": {"token": "t1", "result": "order:o1"},
}
WITHOUT_NUMBERS: Final = ("unreadable", "unreadable_note", "result_missing", "result_differs", "result_stray")


def problem(kind: Kind) -> Problem:
    """One of each kind, with 1,000 where 1,007 should be."""
    numbers = (None, None) if kind in WITHOUT_NUMBERS else (1_000, 1_007)
    return Problem(kind, tuple(PLACES[kind].items()), *numbers)


def printed(report: Report, texts: AuditTexts = ENGLISH) -> str:
    """The report as a pipe gets it."""
    stream = StringIO()
    console = Console(file=stream, width=10_000, highlight=False, soft_wrap=True)
    for part in shown(report, texts, TIMES):
        console.print(part)
    return stream.getvalue()


@pytest.mark.parametrize("texts", [ENGLISH, CHINESE])
@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_problem_says_where_it_is_and_what_stands_against_what(kind: Kind, texts: AuditTexts) -> None:
    said = sentence(problem(kind), texts, TIMES)
    assert all(text[1:] in said for name, text in PLACES[kind].items() if name != "hour")
    assert kind in WITHOUT_NUMBERS or ("1,000" in said and "1,007" in said)


@pytest.mark.parametrize("kind", ["balance", "buckets", "totals", "counter", "line", "figures", "series_row"])
def test_it_says_by_how_much(kind: Kind) -> None:
    assert "7 too few" in sentence(problem(kind), ENGLISH, TIMES)
    assert "少 7" in sentence(problem(kind), CHINESE, TIMES)
    assert "7 too many" in sentence(problem(kind)._replace(expected=993), ENGLISH, TIMES)


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("counter", "`redcat counters --note n1`"),
        ("result_missing", "`redcat explain t1`"),
        ("balance", "`redcat dlq list --counts --topic order`"),
        ("totals", "merchant m1"),
        ("series_hour", "the hour 2026-09-21 14:00"),
    ],
)
def test_it_says_where_to_look(kind: Kind, part: str) -> None:
    assert part in sentence(problem(kind), ENGLISH, TIMES)


def test_what_the_store_holds_cannot_upset_the_terminal() -> None:
    said = sentence(Problem("line", (("name", "\x1b[2J{x}"),), 1, 2), ENGLISH, TIMES)
    assert "\x1b" not in said
    assert "{x}" in said


@pytest.mark.parametrize("kind", get_args(Kind))
def test_programs_get_the_same_in_parts(kind: Kind) -> None:
    told = json_of(problem(kind))
    numbers = {} if kind in WITHOUT_NUMBERS else {"found": 1_000, "expected": 1_007}
    assert told.pop("message")
    assert told == {"check": CHECK_OF[kind], "kind": kind} | PLACES[kind] | numbers


def some(numbers: range) -> Problems:
    problems = Problems()
    for number in numbers:
        problems.add("line", found=number, expected=0, name=f"l{number}")
    return problems


def test_when_everything_is_wrong_a_hundred_of_a_kind_are_enough() -> None:
    problems = some(range(MOST + 7))
    assert (len(list(problems)), problems.counts.total(), problems.left_out()) == (MOST, MOST + 7, {"line": 7})
    assert "line: and 7 more like this" in printed(Report({}, [], problems))


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (range(3), range(1, 9), (2, 2)),
        (range(3), range(3, 9), (0, 0)),
        (range(MOST + 7), range(MOST + 9), (MOST, MOST + 7)),
    ],
)
def test_only_what_is_found_twice_is_confirmed(first: range, second: range, both: tuple[int, int]) -> None:
    confirmed = some(first).confirmed_by(some(second))
    assert (len(list(confirmed)), confirmed.counts.total()) == both


LINES: Final = {
    "order:consumed": 1_200,
    "order:distinct": 1_198,
    "order:invalid/not_json": 2,
    "outcome:order:refused/no_click": 70,
    "outcome:order:credited/": 30,
    "currency_mismatch": 5,
}


def test_the_report_has_the_ledger_as_tables() -> None:
    said = printed(Report(LINES, ["o1", "o2"])).splitlines()
    rows: Iterator[list[str]] = (line.split() for line in said)
    assert ["order", "1,200", "1,198", "-", "0", "0", "0", "not_json", "2"] in rows
    assert ["refused:", "no_click", "-", "-", "-", "70"] in rows
    assert "2 orders were seen under more than one token: o1, o2" in said
    assert any(line.startswith("5 order steps carry another currency") for line in said)
    assert said[-1] == "everything balances"


def test_of_many_reused_orders_the_first_are_named() -> None:
    said = printed(Report({}, [f"o{number}" for number in range(SHOWN_ORDERS + 3)]))
    assert f"o{SHOWN_ORDERS - 1} and 3 more (--json lists all)" in said


@pytest.mark.parametrize(
    ("compared", "unchecked", "part"),
    [
        (Compared(9, True, range(0), 4), {}, "9 journeys; nothing has expired, so everything was compared; 4 results"),
        (Compared(9, False, range(0), 4), {}, "no click is young enough to be compared exactly"),
        (Compared(9, False, range(int(HOUR), int(HOUR) + 5), 4), {}, "the clicks of 5 hours since 2026-09-21 14:00"),
        (Compared(9, True, range(0), 0), {"results": "left_out"}, "not checked: published results (--no-results)"),
        (None, {"totals": "moving"}, "not checked: totals (the lanes did not stand still"),
        (Compared(9, True, range(0), 4), {"results": "outbox"}, "wait to be published; let a worker run"),
    ],
)
def test_the_report_says_what_was_compared_and_what_was_not(
    compared: Compared | None, unchecked: Unchecked, part: str
) -> None:
    said = printed(Report({}, [], Problems(), unchecked, compared))
    assert part in said
    assert said.splitlines()[-1] == ("what was checked balances" if unchecked else "everything balances")
    assert ("results compared" in said) is (compared is not None and "results" not in unchecked)


def test_the_language_is_the_one_asked_for_or_that_of_the_locale() -> None:
    assert audit_texts("zh", {}) is CHINESE
    assert audit_texts(None, {"LANG": "en_GB.UTF-8"}) is ENGLISH
    assert "账目全部相符" in printed(Report({}, []), CHINESE)
