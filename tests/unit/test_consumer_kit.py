"""The consumer kit books exactly, in whatever order results come and however often."""

import random
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import permutations
from pathlib import Path

import pytest

from app.consumer_kit.billing import Bills, Line, report, table
from app.consumer_kit.conversions import Batch, Change, MemoryState, SqliteState, State, book
from app.consumer_kit.published import Amounts, Record, Totals, order, visit, without_money
from app.consumer_kit.recording import Recording
from app.consumer_kit.stories import STORIES, Story

MOST_ORDERS = 120
TOPIC = "conversion"


@pytest.fixture(params=["memory", "sqlite"])
def new_state(request: pytest.FixtureRequest) -> Callable[[], State]:
    """Makes empty states of each kind."""
    if request.param == "memory":
        return MemoryState
    return lambda: SqliteState(sqlite3.connect(":memory:"))


@pytest.fixture
def bills(tmp_path: Path) -> Bills:
    """An empty database of the example."""
    return bills_in(tmp_path)


def bills_in(folder: Path, topic: str = TOPIC) -> Bills:
    return Bills(sqlite3.connect(folder / "bills.sqlite", isolation_level=None), topic)


def values(records: Iterable[Record]) -> list[bytes]:
    return [record.value for record in records]


def committed(story: Story) -> list[Record]:
    return [record for transaction in story.told if transaction.end == "commit" for record in transaction.records]


def added_up(changes: Iterable[Change]) -> Totals:
    """The totals that changes make, zeros left out."""
    sums: defaultdict[tuple[str, str], Amounts] = defaultdict(Amounts)
    for note, currency, orders, gross, refunded, *_ in changes:
        had = sums[note, currency]
        sums[note, currency] = Amounts(had.orders + orders, had.gross_minor + gross, had.refunded_minor + refunded)
    totals: Totals = {}
    for (note, currency), amounts in sums.items():
        if amounts != Amounts():
            totals.setdefault(note, {})[currency] = amounts
    return totals


def without_nothing(totals: Totals) -> Totals:
    return {note: by_currency for note, by_currency in totals.items() if by_currency}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.point)
def test_every_story_adds_up_in_any_order_of_delivery(story: Story, new_state: Callable[[], State]) -> None:
    told = committed(story)
    orders = list(permutations(told))
    for delivered in random.Random(1).sample(orders, min(len(orders), MOST_ORDERS)):
        assert added_up(book(new_state(), values(delivered))) == without_nothing(story.totals)


def test_the_whole_recording_adds_up_twice_over(new_state: Callable[[], State]) -> None:
    recording = Recording()
    told = [
        record
        for transaction in recording.transactions
        if transaction.end == "commit"
        for record in transaction.records
    ]
    state = new_state()
    assert added_up(book(state, values(told))) == without_nothing(recording.totals)
    random.Random(2).shuffle(told)
    assert book(state, values(told)) == []


@pytest.mark.parametrize(
    ("told", "changes"),
    [
        ([order("a", 1, 500, 20)], [("a", "CNY", 1, 500, 20, 480, 1)]),
        (
            [order("a", 1, 500), order("a", 4, 500, 100)],
            [("a", "CNY", 1, 500, 0, 500, 1), ("a", "CNY", 0, 0, 100, -100, 4)],
        ),
        (
            [order("a", 1, 500, of="t o"), order("b", 2, 500, of="t o")],
            [("a", "CNY", 1, 500, 0, 500, 1), ("a", "CNY", -1, -500, 0, -500, 2), ("b", "CNY", 1, 500, 0, 500, 2)],
        ),
        (
            [order("a", 1, 500), order("a", 2, 70, currency="USD")],
            [("a", "CNY", 1, 500, 0, 500, 1), ("a", "CNY", -1, -500, 0, -500, 2), ("a", "USD", 1, 70, 0, 70, 2)],
        ),
        ([order("a", 2, 500), order("a", 3, 500)], [("a", "CNY", 1, 500, 0, 500, 2)]),
        (
            [order("a", 1, 500), without_money("a", 2, "void")],
            [("a", "CNY", 1, 500, 0, 500, 1), ("a", "CNY", -1, -500, 0, -500, 2)],
        ),
        ([without_money("a", 2, "void"), order("a", 1, 500)], []),
        ([visit("a", "entry"), without_money("a", 1, "pending")], []),
    ],
)
def test_a_change_says_how_much_and_which_revision_is_the_reason(
    told: list[Record], changes: list[tuple[str, str, int, int, int, int, int]]
) -> None:
    found = book(MemoryState(), values(told))
    assert [(*change[:5], change.net_minor, change.revision) for change in found] == changes
    assert {(change.token, change.result_id) for change in found} <= {(one.token, one.result_id) for one in told}


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"token":"t"}', b'{"token":"\xff"}', None])
def test_what_is_no_result_is_an_error_and_shown(value: bytes) -> None:
    with pytest.raises(ValueError, match=r".+: (b'|None)"):
        book(MemoryState(), [order("a", 1, 500).value, value])


def test_bills_are_totals_by_note_and_currency_without_those_that_came_to_nothing(bills: Bills) -> None:
    told = [order("b", 1, 500, 20), order("a", 1, 70, currency="USD"), order("c", 1, 9), without_money("c", 2, "held")]
    bills.take(Batch(values(told), {0: 4}))

    assert bills.statement() == [Line("a", "USD", 1, 70, 0), Line("b", "CNY", 1, 500, 20)]
    assert report(bills.statement()) == (
        '{"a": {"USD": {"orders": 1, "gross_minor": 70, "refunded_minor": 0}},'
        ' "b": {"CNY": {"orders": 1, "gross_minor": 500, "refunded_minor": 20}}}'
    )
    assert [line.split() for line in table(bills.statement()).splitlines()[1:]] == [
        ["a", "USD", "1", "70", "0", "70"],
        ["b", "CNY", "1", "500", "20", "480"],
    ]


def test_a_batch_that_fails_leaves_neither_totals_nor_positions(bills: Bills) -> None:
    bills.take(Batch([order("a", 1, 500).value], {0: 1, 1: 7}))
    with pytest.raises(ValueError, match="nonsense"):
        bills.take(Batch([order("a", 2, 900).value, b"nonsense"], {0: 3}))

    assert bills.positions() == {0: 1, 1: 7}
    assert bills.statement() == [Line("a", "CNY", 1, 500, 0)]
    bills.take(Batch([order("a", 2, 900).value], {0: 2}))
    assert bills.statement() == [Line("a", "CNY", 1, 900, 0)]


def test_two_that_bill_into_one_database_do_not_bill_twice(tmp_path: Path) -> None:
    told = [order("a", revision, 100 * revision) for revision in (1, 2, 3)]
    first, second = bills_in(tmp_path), bills_in(tmp_path)
    first.take(Batch(values(told[:2]), {0: 2}))
    second.take(Batch(values(told), {0: 3}))
    first.take(Batch(values(told[2:]), {0: 3}))
    second.take(Batch(values(told[:1]), {0: 1}))

    assert first.statement() == [Line("a", "CNY", 1, 300, 0)]


def test_a_database_serves_one_topic(bills: Bills, tmp_path: Path) -> None:
    bills.take(Batch([order("a", 1, 500).value], {0: 1}))

    with pytest.raises(ValueError, match="the bills of topic conversion, not of another"):
        bills_in(tmp_path, "another")


def test_a_sum_beyond_what_a_database_can_hold_is_an_error_and_changes_nothing(bills: Bills) -> None:
    huge = [order("a", 1, 2**62, of=f"t{number} o") for number in range(2)]
    bills.take(Batch([huge[0].value], {0: 1}))

    with pytest.raises(sqlite3.IntegrityError):
        bills.take(Batch([huge[1].value], {0: 2}))
    assert (bills.statement(), bills.positions()) == ([Line("a", "CNY", 1, 2**62, 0)], {0: 1})
