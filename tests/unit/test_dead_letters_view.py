"""People see what was in a record, but nothing in a record can upset what they see."""

from collections.abc import Iterable
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from app.dead_letters import view
from app.dead_letters.letters import Letter
from app.dead_letters.listing import Listing
from app.dead_letters.plan import Problem
from app.dead_letters.report import Ready, Report
from app.dead_letters.texts import CHINESE, ENGLISH, DeadLetterTexts, dead_letter_texts
from app.dead_letters.view import MOST_CHARACTERS, SHOWN_PROBLEMS, safe
from streams.records import Message
from tests.unit.dead_letters import ENTRY, letter


def shown(*letters: Letter, latest: int = 9, texts: DeadLetterTexts = ENGLISH) -> str:
    """A listing as a pipe gets it."""
    found = Listing(latest)
    for one in letters:
        found.add(one, replayed=one.offset == 1)
    return printed(view.listing(found, texts))


def printed(parts: Iterable[RenderableType]) -> str:
    stream = StringIO()
    console = Console(file=stream, width=10_000, highlight=False)
    for part in parts:
        console.print(part, soft_wrap=True)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("红猫 ok", "红猫 ok"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\x1b[31m\x07", r"\x1b[31m\x07"),
        ("\u202e\u200b\u2028", r"\u202e\u200b\u2028"),
        (b"caf\xe9 \xff\x00", r"caf\xe9 \xff\x00"),
        ("[bold]'\"", "[bold]'\""),
        ("x" * 999, "x" * MOST_CHARACTERS),
        ("猫".encode() * 999, "猫" * MOST_CHARACTERS),
        ("\U0001f431".encode() * 999, "\U0001f431" * MOST_CHARACTERS),
        ("", ""),
    ],
)
def test_no_text_from_outside_moves_the_cursor_or_fills_the_screen(content: str | bytes, expected: str) -> None:
    assert safe(content) == expected


def test_a_letter_shows_why_where_and_what() -> None:
    lines = shown(letter(b'{"token": "t1"}', code="missing_field", message="missing: at_ms")).splitlines()

    assert [line.split() for line in lines[:2]] == [["topic", "missing_field", "all"], ["shop-entry", "1", "1"]]
    assert lines[3].split("  ")[:3] == ["0:7", "shop-entry", "missing_field"]
    assert lines[3].endswith("  from partition 1, offset 42  key t1")
    assert lines[4:] == ["  missing: at_ms", '  {"token": "t1"}']


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"value": None}, "  no value\n"),
        ({"value": b""}, "  an empty value\n"),
        ({"value": b"x" * 70_000}, "x…  (70,000 bytes)\n"),
        ({"value": b"\x1b]0;owned\x07"}, "  \\x1b]0;owned\\x07\n"),
        ({"key": None}, "  no key\n"),
        ({"key": b"\xff"}, "  key \\xff\n"),
        ({"code": None, "topic": None}, "0:7  unknown  unknown  "),
        ({"code": "[red]\x1b"}, "  [red]\\x1b  "),
        ({"message": None, "value": b"{}"}, "key t1\n  {}\n"),
        ({"message": "a\nb"}, "  a\\nb\n"),
        ({"original_offset": None}, "+00:00  key t1\n"),
        ({"timestamp_ms": 10**15}, "  1000000000000000 ms  "),
        ({"offset": 1}, "  replayed\n"),
    ],
)
def test_odd_letters_are_shown_too(monkeypatch: pytest.MonkeyPatch, said: dict[str, object], expected: str) -> None:
    monkeypatch.setenv("TZ", "UTC")

    assert expected in shown(letter(**said))


def test_the_latest_letters_are_shown_and_all_are_counted() -> None:
    letters = [letter(offset=at, timestamp_ms=10**12 + at, topic=("order", "click-out")[at % 2]) for at in range(5)]

    lines = shown(*letters, letter(offset=9, topic="order", code="x"), latest=2).splitlines()

    assert [line.split() for line in lines[:5]] == [
        ["topic", "internal", "x", "all"],
        ["click-out", "2", "-", "2"],
        ["order", "3", "1", "4"],
        ["all", "5", "1", "6"],
        ["1", "of", "them", "were", "replayed"],
    ]
    assert [line.split()[0] for line in lines if ":" in line.split("  ")[0]] == ["0:4", "0:9"]
    assert lines[-1] == "the latest 2 of 6; --limit shows more, --json all of them in full"


@pytest.mark.parametrize(("run", "done"), [(False, "would be"), (True, "were")])
def test_a_report_says_what_was_done_and_what_was_not(run: bool, done: str) -> None:
    report = Report()
    report.selected, report.replayed_before = 30, 2
    for number in range(SHOWN_PROBLEMS + 3):
        report.take(Problem(letter(offset=number), "still_invalid", "bad_field: \x1b"))

    lines = printed(view.report(report, ENGLISH, run=run)).splitlines()

    assert lines[0] == f"0 of 30 letters {done} replayed; 2 were replayed before; 23 are left alone"
    assert lines[1] == "  0:0  shop-entry  internal  still_invalid  bad_field: \\x1b"
    assert lines[SHOWN_PROBLEMS + 1 :] == ["  and 3 more; --json lists 1,000"]


def test_a_dry_run_shows_what_would_be_sent() -> None:
    report = Report()
    report.selected = 1
    report.take(Ready(letter(), Message("order", 3, 5, b"\xff", b"{}", [])))

    dry, run = (printed(view.report(report, ENGLISH, run=run)) for run in (False, True))

    assert dry.endswith("sent:\n  order  key \\xff  {}\nnothing was sent; --run sends\n")
    assert run.endswith("\n1 of 1 letters were replayed\n")


def test_both_languages_fill_in_the_same() -> None:
    assert dead_letter_texts("zh", {}) is dead_letter_texts(None, {"LANG": "zh_CN.UTF-8"}) is CHINESE
    assert dead_letter_texts("en", {"LANG": "zh_CN.UTF-8"}) is dead_letter_texts(None, {}) is ENGLISH
    for english, chinese in zip(ENGLISH, CHINESE, strict=True):
        assert sorted(part.split("}")[0] for part in english.split("{")[1:]) == sorted(
            part.split("}")[0] for part in chinese.split("{")[1:]
        )
    assert "主题" in shown(letter(ENTRY), texts=CHINESE)
