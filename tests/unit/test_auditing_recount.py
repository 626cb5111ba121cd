"""The recount: journeys counted again give what was counted as they grew, and what does not agree is found."""

from typing import Any, NamedTuple

import pytest

from app.auditing.comparing import CounterCheck, SeriesCheck, check_lines, is_complete, young_hours
from app.auditing.problems import Problems
from app.auditing.recount import LaneMemory, Recount
from app.auditing.sums import Sums, fields_of, tally_of
from app.redis_store.reader import Cell
from streams.core.credit import outcomes
from streams.core.journey import Journey
from streams.core.policy import parse_policy
from streams.core.terms import PolicySet
from streams.digest import Digester
from streams.rollups import HOUR_MS, Counts, Kept, Rows
from streams.stored import JourneyCodec
from streams.words import Words
from tests.generators.journeys import PARTITIONS, hard_journeys
from tests.pure_worker import PureWorker
from tests.unit.auditing import AT_MS, CLICK, ENTRY, HOUR, POLICIES, summed_up, told_of

DAY_MS = 24 * HOUR_MS
EVER = range(2**40)
CELL = Cell(None, "m1", "tmall", "fmcg.skincare", "note", "ad")
ITSELF = Cell(None, "", "", "", "", "")
COUNTS = {"clicks": 1, "entries": 1, "clicks_entered": 1}
OF_SHOP = "mm1|tmall|fmcg.skincare"
TOTALS = dict.fromkeys((OF_SHOP, "gfmcg.skincare", "ctmall|note|ad"), COUNTS)


class Absorbed(NamedTuple):
    """A worker that has absorbed hard traffic, and what is needed to read its journeys."""

    worker: PureWorker
    codec: JourneyCodec
    policies: PolicySet


def absorbed(seed: int) -> Absorbed:
    scenario = hard_journeys(seed)
    words, policies = Words(), PolicySet(parse_policy(document) for document in scenario.policies)
    worker = PureWorker(scenario.policies, PARTITIONS)
    worker._digester = Digester([policies], words)
    worker.absorb_all(scenario.batches)
    return Absorbed(worker, JourneyCodec(words), policies)


@pytest.mark.parametrize("seed", range(12))
def test_the_recount_of_hard_journeys_is_what_was_counted_as_they_grew(seed: int) -> None:
    worker, codec, policies = absorbed(seed)
    recount = Recount(dict.fromkeys(range(PARTITIONS), LaneMemory(codec, [policies])), PARTITIONS, EVER)
    assert all(one.token in worker.journeys for one in recount.take([*worker.journeys.items()], range(PARTITIONS)))
    problems, sums = recount.problems, recount.sums
    check_lines(problems, worker.ledger, sums, complete=True)
    counters = CounterCheck(sums, recount.figures, complete=True)
    cells: dict[str, dict[str, Counts]] = {}
    for (note_id, cell, name), count in worker.cells.items():
        if count:
            cells.setdefault(note_id, {}).setdefault(cell, {})[name] = count
    for note_id, of_note in cells.items():
        counters.take(note_id, [(cell_of(text), counts) for text, counts in of_note.items()])
    counters.finish(rows_of_span(worker, "totals").get(0, {}))
    series = SeriesCheck(sums)
    for hour, rows in rows_of_span(worker, "hours").items():
        series.take(hour, rows)
    series.finish()
    assert is_complete(sums, worker.ledger)
    assert [*problems, *counters.problems, *series.problems] == []
    assert sums.journeys == len([name for name in worker.journeys if name[0] != "/"]) > 0


def cell_of(text: str) -> Cell:
    campaign_id, *others = text.split("|")
    return Cell(campaign_id or None, *others)


def rows_of_span(worker: PureWorker, span: str) -> dict[int, Rows]:
    """The rows of a span by hour, zeros left out."""
    hours: dict[int, Rows] = {}
    for (of_span, hour, row, name), count in worker.series.items():
        if of_span == span and count:
            hours.setdefault(hour, {}).setdefault(row, {})[name] = count
    return hours


@pytest.mark.parametrize("seed", range(12))
def test_what_is_kept_of_forgotten_journeys_stands_in_for_them(seed: int) -> None:
    (worker, codec, policies), whole, parts = absorbed(seed), Sums(EVER), Sums(EVER)
    for token, value in worker.journeys.items():
        if token[0] != "/":
            journey, _ = codec.unpack(token, value)
            tally = tally_of(journey, outcomes(journey, policies))
            whole.take(tally)
            fields = fields_of(tally)
            parts.take_fields(fields)
            assert token not in " ".join(fields).replace("|", " ").split()
    assert (whole.ledger, whole.cells) == (parts.ledger, parts.cells)
    assert (whole.rows, whole.by_hour) == (parts.rows, parts.by_hour)


@pytest.mark.parametrize(
    ("cells", "totals", "found"),
    [
        ([(CELL, COUNTS)], TOTALS, []),
        ([(CELL, COUNTS | {"clicks": 2})], TOTALS, [
            ("counter", "n1", "|m1|tmall|fmcg.skincare|note|ad", "clicks", 2, 1),
            *(("totals", row, "clicks", 1, 2) for row in sorted(TOTALS)),
        ]),
        ([], {}, [
            ("counter", "n1", "|m1|tmall|fmcg.skincare|note|ad", name, 0, 1) for name in sorted(COUNTS)
        ]),
        ([(CELL, COUNTS)], TOTALS | {OF_SHOP: {}}, [("totals", OF_SHOP, name, 0, 1) for name in sorted(COUNTS)]),
        ([(CELL, COUNTS)], TOTALS | {"pc1|m1": {"orders": 3}}, [("totals", "pc1|m1", "orders", 3, 0)]),
        ([(CELL, COUNTS), (ITSELF, {"reads": 5})], TOTALS, [("figures", "n1", "reads", 5, 0)]),
    ],
)  # fmt: skip
def test_counters_that_differ_from_the_recount_or_from_their_sums_are_found(
    cells: list[tuple[Cell, Counts]], totals: Rows, found: list[Any]
) -> None:
    check = CounterCheck(summed_up(CLICK, ENTRY), {}, complete=True)
    check.take("n1", cells)
    check.finish(totals)
    assert told_of(check.problems) == found


def test_figures_that_differ_from_the_latest_record_are_found() -> None:
    check = CounterCheck(Sums(range(0)), {"n1": {"reads": 7}, "n2": {"likes": 1}}, complete=False)
    check.take("n1", [(ITSELF, {"reads": 9})])
    check.finish({})
    assert told_of(check.problems) == [("figures", "n1", "reads", 9, 7), ("figures", "n2", "likes", 0, 1)]


def test_once_something_has_expired_counters_may_be_greater_but_not_smaller() -> None:
    check = CounterCheck(summed_up(CLICK, ENTRY), {}, complete=False)
    check.take("n1", [(CELL, {"clicks": 5, "entries": 1})])
    assert told_of(check.problems) == [
        ("counter_too_small", "n1", "|m1|tmall|fmcg.skincare|note|ad", "clicks_entered", 0, 1)
    ]


@pytest.mark.parametrize(
    ("line", "count", "complete", "found"),
    [
        ("click-out:distinct", 1, True, []),
        ("click-out:distinct", 0, True, [("line", "click-out:distinct", 0, 1)]),
        ("outcome:entry:credited/", 2, True, [("line", "outcome:entry:credited/", 2, 1)]),
        ("shop-entry:conflicts", 2, True, [("line", "shop-entry:conflicts", 2, 0)]),
        ("currency_mismatch", 1, True, [("line", "currency_mismatch", 1, 0)]),
        ("shop-entry:duplicates", 7, True, []),
        ("click-out:distinct", 2, False, []),
        ("outcome:entry:credited/", 0, False, [("line_too_small", "outcome:entry:credited/", 0, 1)]),
    ],
)
def test_ledger_lines_that_journeys_contradict_are_found(
    line: str, count: int, complete: bool, found: list[Any]
) -> None:
    ledger = {"click-out:distinct": 1, "shop-entry:distinct": 1, "outcome:entry:credited/": 1} | {line: count}
    problems = Problems()
    check_lines(problems, ledger, summed_up(CLICK, ENTRY), complete=complete)
    assert told_of(problems) == found


CLICK_ROWS = {f"k{row}": COUNTS for row in ("nn1|m1", *TOTALS)}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (CLICK_ROWS | {"enn1|m1": {"entries": 5}}, []),
        (CLICK_ROWS | {"knn1|m1": COUNTS | {"clicks": 2}}, [
            ("series_hour", str(HOUR), "clicks", 2, 1), ("series_row", "nn1|m1", "clicks", 2, 1),
        ]),
        (CLICK_ROWS | {f"k{OF_SHOP}": {}}, [("series_row", OF_SHOP, name, 0, 1) for name in sorted(COUNTS)]),
        (CLICK_ROWS | {"kpc1|m1": {"orders": 1}}, [("series_row", "pc1|m1", "orders", 1, 0)]),
    ],
)  # fmt: skip
def test_click_hours_that_differ_from_the_recount_are_found(rows: Rows, found: list[Any]) -> None:
    check = SeriesCheck(summed_up(CLICK, ENTRY))
    check.take(HOUR, rows)
    check.finish()
    assert told_of(check.problems) == found


def test_an_hour_that_was_lost_is_found() -> None:
    check = SeriesCheck(summed_up(CLICK, ENTRY))
    check.take(HOUR, {})
    check.finish()
    assert check.problems.counts == {"series_hour": 3, "series_row": 12}


@pytest.mark.parametrize(
    ("ttl_ms", "kept_ms", "since_ms"),
    [
        (16 * DAY_MS, 60 * DAY_MS, AT_MS - 16 * DAY_MS),
        (90 * DAY_MS, 60 * DAY_MS, AT_MS - 60 * DAY_MS),
        (HOUR_MS, 60 * DAY_MS, AT_MS - HOUR_MS),
    ],
)
def test_young_hours_lie_wholly_within_what_is_kept_with_an_hour_to_spare(
    ttl_ms: int, kept_ms: int, since_ms: int
) -> None:
    hours = young_hours(AT_MS, ttl_ms, Kept(hours_ms=kept_ms))
    assert hours.stop == AT_MS // HOUR_MS + 1
    assert 0 <= hours.start * HOUR_MS - (since_ms + HOUR_MS) < HOUR_MS


def test_no_hour_is_young_when_journeys_live_for_seconds() -> None:
    assert not young_hours(AT_MS, 2_000, Kept())


@pytest.mark.parametrize(
    ("ledger", "complete"), [({}, True), ({"click-out:distinct": 1}, True), ({"click-out:distinct": 2}, False)]
)
def test_something_has_expired_when_fewer_facts_are_held_than_were_counted(ledger: Counts, complete: bool) -> None:
    assert is_complete(summed_up(CLICK), ledger) is complete


@pytest.mark.parametrize("value", [b"", b"\xc1", b"\x93\x01\x07\x00", b"\x94\x01\x01\x00\x91\x90", b"\x93\x7f\x01\x00"])
def test_a_journey_that_cannot_be_read_is_a_problem_and_the_others_are_counted(value: bytes) -> None:
    words = Words()
    codec = JourneyCodec(words)
    journey = Journey(clicks={"c1": CLICK})
    recount = Recount({0: LaneMemory(codec, [POLICIES])}, 1, EVER)
    page = [("broken", value), ("t1", codec.pack(journey, 1)), ("/n1", b"\xc1")]
    assert [one.token for one in recount.take(page, {0})] == ["t1"]
    assert [(one[0], one[1]) for one in told_of(recount.problems)] == [("unreadable", "0"), ("unreadable_note", "n1")]
