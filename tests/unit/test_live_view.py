"""The live view fits the terminal, says what matters, and shows what has just changed."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from app.counters import Counters
from app.live_view import LiveView, Moment, Pace, PlainView, Screen
from app.note_table import CHANGED, WIDEST, NoteTable
from app.texts import CHINESE, ENGLISH, Texts, texts


def a_note(orders: int = 1, *, clicks: int = 1_000) -> Counters:
    return {
        "clicks": clicks,
        "entries": 400,
        "clicks_entered": 350,
        "orders": orders,
        "clicks_ordered": 10,
        "gross_minor:CNY": 1_234_567_89,
        "gross_minor:HKD": 100,
        "refunded_minor:CNY": 1_000,
    }


MANY = {f"{number:024x}": a_note(number) for number in range(60)}


def a_moment(*, elapsed_s: float = 12, absorbed: int = 139_021, notes: dict[str, Counters] | None = None) -> Moment:
    return Moment(
        elapsed_s=elapsed_s,
        events=200_000,
        sent=142_000,
        absorbed=absorbed,
        results=58_102,
        notes=MANY if notes is None else notes,
        doing="sending",
    )


def drawn(screen: Screen, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(screen)
    return capture.get().splitlines()


@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=["en", "zh"])
@pytest.mark.parametrize(
    ("width", "height"), [(260, 60), (220, 60), (130, 30), (100, 30), (80, 24), (60, 20), (40, 12)]
)
def test_the_screen_fits_the_terminal(language: Texts, width: int, height: int) -> None:
    screen = Screen(language, "redcat demo")
    screen.update(a_moment())
    lines = drawn(screen, width, height)
    assert len(lines) < height
    assert max(map(cell_len, lines)) <= width


def test_a_hundred_columns_show_the_whole_id_and_every_rate_of_the_top_note() -> None:
    screen = Screen(ENGLISH, "redcat demo")
    screen.update(a_moment())
    row = next(line for line in drawn(screen, 100, 30) if f"{59:024x}" in line)
    assert row.split() == [
        *(f"{59:024x}", "1,000", "400", "35.0%", "59", "1.0%"),
        *("CNY", "1,234,567.89", "+", "0.0%", "+"),
    ]


@pytest.mark.parametrize(
    "shown", ["redcat demo", "00:12", "142,000/200,000", "139,021", "2,979 behind", "58,102", "sending"]
)
def test_the_screen_says_how_far_everything_is(shown: str) -> None:
    screen = Screen(ENGLISH, "redcat demo")
    screen.update(a_moment())
    assert any(shown in line for line in drawn(screen, 100, 30))


def test_before_the_first_event_there_is_an_empty_table() -> None:
    screen = Screen(ENGLISH, "redcat demo")
    screen.update(a_moment(notes={}))
    assert any("all 0 notes" in line for line in drawn(screen, 100, 30))


def test_only_what_changed_since_the_last_moment_stands_out() -> None:
    table = NoteTable(ENGLISH, 100, compact=True)
    now, before = {"n1": a_note(2), "n2": a_note(1)}, {"n1": a_note(1), "n2": a_note(1)}
    rendered = table.render(now, ["n1", "n2"], before)
    console = Console(width=100, file=io.StringIO())
    green = {
        segment.text.strip() for segment in console.render(rendered) if segment.style == console.get_style(CHANGED)
    }
    assert green - {""} == {"2"}


def test_the_full_table_gives_every_currency_a_line_and_each_rate_its_denominator() -> None:
    console = Console(width=WIDEST, file=io.StringIO(), color_system=None)
    note = {**a_note(), "reads": 12_345, "likes": 678, "shares": 9, "favourites": 31, "carts": 42}
    with console.capture() as capture:
        console.print(NoteTable(ENGLISH, WIDEST).render({"n1": note}, ["n1"]))
    shown = capture.get()
    assert shown.splitlines()[1].split()[:4] == ["n1", "12,345", "678/0/0/9", "1,000"]
    assert " 31     42 " in shown
    assert "350/1,000" in shown
    assert "10/1,000" in shown
    assert shown.count("HKD 1.00") == 4  # gross and net, of the note and of all notes


def test_the_pace_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    for elapsed_s, absorbed in ((0, 0), (10, 1_000), (12, 5_000), (13, 7_000)):
        pace.add(a_moment(elapsed_s=elapsed_s, absorbed=absorbed))
    assert pace.per_second() == pytest.approx(2_000)


def test_a_single_moment_has_no_pace() -> None:
    pace = Pace()
    pace.add(a_moment())
    assert pace.per_second() == 0


def test_without_a_terminal_a_line_comes_every_few_seconds_and_at_every_turn() -> None:
    log = io.StringIO()
    with PlainView(ENGLISH, Console(file=log)) as view:
        for elapsed_s in (0, 1, 2, 3.5, 4):
            view.show(a_moment(elapsed_s=elapsed_s))
        view.show(a_moment(elapsed_s=4.5)._replace(doing="absorbing"))
    assert [line.split(" ")[0] for line in log.getvalue().splitlines()] == ["00:00", "00:03", "00:04"]
    assert log.getvalue().splitlines()[-1].endswith("absorbing")


def test_what_the_live_view_showed_last_stays_on_the_terminal() -> None:
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True, width=100, height=30)
    with LiveView(ENGLISH, console, "redcat demo") as view:
        view.show(a_moment(absorbed=1))
        view.show(a_moment(absorbed=777))
    assert "777" in terminal.getvalue().rpartition("redcat demo")[2]


@pytest.mark.parametrize(
    ("language", "environment", "expected"),
    [
        ("zh", {"LANG": "en_US.UTF-8"}, CHINESE),
        ("en", {"LANG": "zh_CN.UTF-8"}, ENGLISH),
        (None, {"LANG": "zh_CN.UTF-8"}, CHINESE),
        (None, {"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, ENGLISH),
        (None, {"LC_ALL": "", "LC_MESSAGES": "zh_TW.UTF-8", "LANG": "C"}, CHINESE),
        (None, {}, ENGLISH),
    ],
)
def test_the_language_is_the_one_asked_for_else_that_of_the_locale(
    language: str | None, environment: dict[str, str], expected: Texts
) -> None:
    assert texts(language, environment) is expected


def test_both_languages_fill_in_the_same_things() -> None:
    def braces(text: str) -> set[str]:
        return {part.partition("}")[0] for part in text.split("{")[1:]}

    assert [braces(text) for text in ENGLISH] == [braces(text) for text in CHINESE]
