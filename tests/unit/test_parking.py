"""What markers say about records that were set aside: little, however many there are."""

from streams.parking import (
    FOR_EVER,
    add_spans,
    comes_too_late,
    difference,
    full_name,
    has_full,
    is_parked,
    park,
    parked_code,
    within,
    without,
)
from tests.pure_worker import Consumed

FULL = full_name("order", b"t1")


def record(offset: int, key: bytes = b"t1") -> Consumed:
    """A record of token t1."""
    return Consumed(offset, 0, key, b"{}")


def test_adjoining_offsets_become_one_span() -> None:
    spans = add_spans({"order:internal": [(1, 3), (7, 8)]}, {"order:internal": [5, 3, 6]})
    assert spans == {"order:internal": [(1, 4), (5, 8)]}
    assert [offset for offset in range(10) if within(offset, spans["order:internal"])] == [1, 2, 3, 5, 6, 7]


def test_a_full_journey_is_one_span_however_much_comes_to_it() -> None:
    parked = park({}, [("order", "token_overflow", record(offset)) for offset in range(10, 100_000, 7)])
    assert parked == {FULL: [(10, FOR_EVER)]}
    assert park(parked, [("order", "token_overflow", record(200_000))]) == parked
    assert has_full(parked)
    assert "t1" not in FULL


def test_what_comes_to_a_full_journey_is_told_by_its_token_and_the_first_offset() -> None:
    parked = {FULL: [(10, FOR_EVER)]}
    assert [comes_too_late(parked, "order", record(offset)) for offset in (9, 10, 11)] == [False, True, True]
    assert not comes_too_late(parked, "order", record(11, b"t2"))
    assert not comes_too_late(parked, "click-out", record(11))


def test_offsets_that_an_older_version_noted_still_hold() -> None:
    old = {"order:token_overflow": [(4, 6)]}
    assert parked_code(old, "order", 5) == "token_overflow"
    assert is_parked(old, "order", record(5))
    assert park(old, [("order", "token_overflow", record(5))]) == old
    assert not has_full(old)


def test_a_dead_letter_of_any_other_kind_is_not_parked() -> None:
    assert park({}, [("order", "not_json", record(1))]) == {}


def test_histories_differ_from_where_a_journey_was_full_in_one_of_them() -> None:
    earlier, later = {FULL: [(10, FOR_EVER)]}, {FULL: [(15, FOR_EVER)]}
    assert difference(earlier, later, {"order": 100}) == {FULL: [(10, 15)]}
    assert difference(earlier, later, {"order": 12}) == {FULL: [(10, 12)]}
    assert difference(earlier, {}, {"order": 100}) == {FULL: [(10, 100)]}
    assert difference(later, earlier, {"order": 100}) == {}
    assert difference(earlier, {}, {"order": 10}) == {}


def test_what_is_taken_back_leaves_the_rest() -> None:
    parked = {"order:internal": [(1, 5)], FULL: [(10, FOR_EVER)]}
    assert without(parked, {"order:internal": [(2, 3), (4, 5)]}, {"order": 4}) == {
        "order:internal": [(1, 2), (3, 5)],
        FULL: [(10, FOR_EVER)],
    }
