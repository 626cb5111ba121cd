"""Whatever tokens do and whenever figures are released: any two releases differ by many tokens or not at all."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.viewing.grouping import Key, add, steps

CELLS: list[Key] = [
    *((f"n{number}", f"c{number % 2}", f"m{number % 3}", "jd", "fmcg", "note", "ad") for number in range(6)),
    ("n0", "", "m0", "xhs", "fmcg", "comment", "ugc"),
]
WHAT_HAPPENS = ("clicks", "clicks_entered", "clicks_ordered", "orders", "gross_minor:CNY")

Told = dict[Key, Counter[tuple[int, str]]]
"""By row: how often each token has a part in each counter that the row shows."""

happenings = st.lists(st.tuples(st.integers(0, 60), st.sampled_from(WHAT_HAPPENS)), max_size=40)
histories = st.lists(happenings, min_size=1, max_size=8)


class Journeys:
    """Tokens, each at home in one cell: first its click, then whatever it does there, orders taken back too."""

    def __init__(self) -> None:
        self.parts: dict[Key, Counter[tuple[int, str]]] = {cell: Counter() for cell in CELLS}

    def take(self, token: int, what: str) -> None:
        parts, clicked = self.parts[CELLS[token % len(CELLS)]], (token, "clicks")
        if not parts[clicked]:
            parts[clicked] = 1
        elif what.startswith("clicks_"):
            parts[token, what] = 1
        elif what != "clicks":
            parts[token, what] += 1 if token % 3 else -1

    def counters(self) -> dict[Key, dict[str, int]]:
        """What each cell counts."""
        counted: dict[Key, dict[str, int]] = {}
        for cell, parts in self.parts.items():
            for (_, name), times in parts.items():
                add(counted.setdefault(cell, {}), {name: times})
        return counted


def releases(history: list[list[tuple[int, str]]], k: int) -> Iterator[tuple[dict[Key, dict[str, int]], Told]]:
    """After each of some hours: the rows as released, and which tokens they are of."""
    journeys, released = Journeys(), dict[Key, dict[str, int]]()
    known: dict[Key, Counter[tuple[int, str]]] = {cell: Counter() for cell in CELLS}
    rows: dict[Key, dict[str, int]] = {}
    told: Told = {}
    for hour in history:
        for token, what in hour:
            journeys.take(token, what)
        for step in list(filter(None, steps(journeys.counters(), released, k))):
            add(rows.setdefault(step.row, {}), step.total)
            for cell, change in step.changes.items():
                add(released.setdefault(cell, {}), change)
                fresh = journeys.parts[cell].copy()
                fresh.subtract(known[cell])
                told[step.row] = told.get(step.row, Counter()).copy()
                told[step.row].update(fresh)
                known[cell] = journeys.parts[cell].copy()
        yield {row: dict(counts) for row, counts in rows.items()}, dict(told)


def tokens_between(before: Counter[tuple[int, str]], after: Counter[tuple[int, str]]) -> set[int]:
    """The tokens whose part in a row differs."""
    return {token for token, name in {*before, *after} if before[token, name] != after[token, name]}


@given(histories, st.integers(2, 8))
@settings(max_examples=80, deadline=None)
def test_any_two_releases_of_a_row_differ_by_at_least_k_tokens_or_not_at_all(
    history: list[list[tuple[int, str]]], k: int
) -> None:
    all_told = [(rows, told) for rows, told in releases(history, k)]
    for (rows_before, before), (rows_after, after) in combinations([({}, {}), *all_told], 2):
        for row in {*rows_before, *rows_after}:
            changed = tokens_between(before.get(row, Counter()), after.get(row, Counter()))
            assert len(changed) >= k or rows_before.get(row, {}) == rows_after.get(row, {})


@given(histories, st.integers(2, 8))
@settings(max_examples=80, deadline=None)
def test_so_do_any_two_sums_of_all_rows(history: list[list[tuple[int, str]]], k: int) -> None:
    sums = []
    for _, told in releases(history, k):
        total: Counter[tuple[int, str]] = Counter()
        for parts in told.values():
            total.update(parts)
        sums.append(total)
    for before, after in combinations([Counter(), *sums], 2):
        changed = tokens_between(before, after)
        assert not changed or len(changed) >= k


@given(histories, st.integers(1, 8))
@settings(max_examples=80, deadline=None)
def test_what_is_released_and_what_waits_are_together_all_there_is_and_little_waits(
    history: list[list[tuple[int, str]]], k: int
) -> None:
    journeys, released, rows = Journeys(), dict[Key, dict[str, int]](), dict[str, int]()
    for hour in history:
        for token, what in hour:
            journeys.take(token, what)
        for step in list(filter(None, steps(journeys.counters(), released, k))):
            add(rows, step.total)
            for cell, change in step.changes.items():
                add(released.setdefault(cell, {}), change)
    shown: dict[str, int] = {}
    for counts in released.values():
        add(shown, counts)
    assert shown == rows
    assert not any(steps(journeys.counters(), released, k))
    # Of each channel fewer tokens wait than make a group.
    for channel in ({"jd"}, {"xhs"}):
        came = sum(
            counts.get("clicks", 0) - released.get(cell, {}).get("clicks", 0)
            for cell, counts in journeys.counters().items()
            if cell[3] in channel
        )
        assert came < k
    if k == 1:
        assert all(
            counts.get("clicks", 0) == released.get(cell, {}).get("clicks", 0)
            for cell, counts in journeys.counters().items()
        )
