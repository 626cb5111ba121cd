"""`redcat results`: which results it shows, and how they look."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from app.cli import build
from app.consumer_kit.published import Record, altered, order, visit, without_money
from app.note_table import WIDEST
from app.results_choice import Choice, Followed
from app.results_reader import result_of
from app.results_table import RESULT_TEXTS, ResultTexts, header, line, table
from app.texts import CHINESE, ENGLISH
from streams.errors import Misconfigured

ANY = Choice(None, None, None, None)
LANGUAGES = pytest.mark.parametrize("language", RESULT_TEXTS.values(), ids=["en", "zh"])


@pytest.fixture
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is that of Shanghai."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def column_of(shown: str, content: str) -> int:
    """Where a cell begins on the screen."""
    return cell_len(shown[: shown.index(f"  {content}") + 2])


@pytest.mark.parametrize(
    ("choice", "record", "wanted"),
    [
        ({}, order("n", 1, 5), True),
        ({"note": "n"}, order("n", 1, 5), True),
        ({"note": "n"}, order("other", 1, 5), False),
        ({"note": "n"}, without_money("n", 1, "refused"), True),
        ({"note": "n"}, without_money("n", 1, "void"), False),
        ({"token": "t.n"}, order("n", 1, 5), True),
        ({"token": "t.n"}, order("other", 1, 5), False),
        ({"kind": "order"}, order("n", 1, 5), True),
        ({"kind": "order"}, visit("n", "cart"), False),
        ({"outcome": "held"}, without_money("n", 1, "held"), True),
        ({"outcome": "held"}, order("n", 1, 5), False),
        ({"note": "n", "kind": "cart", "outcome": "credited"}, visit("n", "cart"), True),
        ({"note": "n", "kind": "cart", "outcome": "credited"}, visit("n", "entry"), False),
    ],
)
def test_a_choice_is_of_all_that_it_names(choice: dict[str, Any], record: Record, wanted: bool) -> None:
    assert ANY._replace(**choice).has(result_of(record.value)) is wanted


@pytest.mark.parametrize(
    ("choice", "told", "shown"),
    [
        ({"note": "a"}, [order("a", 1, 5, of="t o"), order("b", 2, 5, of="t o"), order("b", 3, 6, of="t o")], [1, 2]),
        ({"note": "a"}, [order("b", 1, 5, of="t o"), order("a", 2, 5, of="t o"), order("b", 3, 5, of="t o")], [2, 3]),
        ({"note": "a"}, [order("a", 1, 5), without_money("a", 2, "void"), without_money("a", 3, "void")], [1, 2]),
        ({"note": "a", "outcome": "credited"}, [order("a", 1, 5), without_money("a", 2, "void")], [1]),
        ({}, [order("a", 1, 5), without_money("a", 2, "void")], [1, 2]),
    ],
)
def test_who_follows_a_note_sees_what_leaves_it(choice: dict[str, Any], told: list[Record], shown: list[int]) -> None:
    followed = Followed(ANY._replace(**choice))
    assert [record.revision for record in told if followed.has(result_of(record.value))] == shown


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        (
            order("n1", 7, 123_456, 500),
            ["2026-09-21 22:13:20", "order:o.n1", "credited", "n1", "CNY 1,234.56", "CNY 5.00", "t.n1", "7"],
        ),
        (
            without_money("n1", 2, "refused"),
            ["2026-09-21 22:13:20", "order:o.n1", "refused: window_passed", "(n1)", "t.n1", "2"],
        ),
        (without_money("n1", 3, "void"), ["order:o.n1", "void: superseded", "t.n1", "3"]),
        (visit("n1", "cart"), ["2026-09-21 22:13:20", "cart:e.n1", "credited", "n1", "t.n1", "1"]),
    ],
)
@LANGUAGES
@pytest.mark.usefixtures("in_shanghai")
def test_line_and_row_show_the_same_of_a_result(record: Record, cells: list[str], language: ResultTexts) -> None:
    result = result_of(record.value)
    console = Console(width=WIDEST)
    with console.capture() as row:
        console.print(table([result], language))

    for shown in (line(result, language).plain, row.get().splitlines()[1].rstrip()):
        assert [cell.strip() for cell in shown.split("  ") if cell.strip()] == cells


@LANGUAGES
@pytest.mark.parametrize(
    ("title", "content"), [("outcome", "credited"), ("note", "n1 "), ("gross", "CNY 1,234.56"), ("revision", "7")]
)
def test_lines_stand_below_their_headers(language: ResultTexts, title: str, content: str) -> None:
    head, shown = header(language).plain, line(result_of(order("n1", 7, 123_456, 500).value), language).plain
    assert column_of(head, getattr(language, title)) == column_of(shown, content)


def test_a_record_that_is_no_result_is_shown_and_ends_it() -> None:
    with pytest.raises(Misconfigured, match=r"a record that is no result: .*livestream"):
        result_of(altered(visit("n", "entry"), kind="livestream").value)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "say either --follow or --latest"),
        (["--follow", "--latest"], "say either --follow or --latest"),
        (["--latest", "--from-beginning"], "--from-beginning goes with --follow"),
        (["--follow", "--limit", "3"], "--limit goes with --latest"),
        (["--latest", "--kind", "click"], "--kind"),
        (["--latest", "--outcome", "good"], "--outcome"),
    ],
)
def test_wrong_use_is_said_before_anything_is_read(arguments: list[str], complaint: str) -> None:
    ran = CliRunner().invoke(build(["results"]), ["results", *arguments])
    assert ran.exit_code == 2
    assert complaint in ran.stderr


def test_both_languages_say_everything() -> None:
    assert all(text for language in (ENGLISH, CHINESE) for text in RESULT_TEXTS[language])
