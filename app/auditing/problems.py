"""What an audit finds wrong: each finding by its kind, its place, what stands there and what should."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

Check: TypeAlias = Literal["balance", "buckets", "totals", "recount", "figures", "series", "results"]

Kind: TypeAlias = Literal[
    "balance", "conflicts", "buckets", "totals",
    "counter", "counter_too_small", "line", "line_too_small", "unreadable",
    "figures", "unreadable_note", "series_row", "series_hour",
    "result_missing", "result_differs", "result_stray",
]  # fmt: skip

CHECK_OF: Final[Mapping[Kind, Check]] = {
    "balance": "balance",
    "conflicts": "balance",
    "buckets": "buckets",
    "totals": "totals",
    "counter": "recount",
    "counter_too_small": "recount",
    "line": "recount",
    "line_too_small": "recount",
    "unreadable": "recount",
    "figures": "figures",
    "unreadable_note": "figures",
    "series_row": "series",
    "series_hour": "series",
    "result_missing": "results",
    "result_differs": "results",
    "result_stray": "results",
}

MOST: Final = 100  # of a kind are kept; when everything is wrong, the rest says no more


class Problem(NamedTuple):
    """One thing that does not fit."""

    kind: Kind
    place: tuple[tuple[str, str], ...]  # what the sentence about it is filled with
    found: int | None = None
    expected: int | None = None

    @property
    def difference(self) -> int:
        return (self.found or 0) - (self.expected or 0)


class Problems:
    """Problems as they are found, of each kind at most so many, and how many there are."""

    def __init__(self) -> None:
        self.counts: Counter[Kind] = Counter()
        self._kept: list[Problem] = []

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._kept)

    def add(self, kind: Kind, *, found: int | None = None, expected: int | None = None, **place: str | int) -> None:
        """Note one, unless enough of its kind are known."""
        self.counts[kind] += 1
        if self.counts[kind] <= MOST:
            named = tuple((name, str(value)) for name, value in place.items())
            self._kept.append(Problem(kind, named, found, expected))

    def left_out(self) -> dict[Kind, int]:
        """How many of each kind are not kept."""
        return {kind: count - MOST for kind, count in self.counts.items() if count > MOST}

    def add_all(self, others: "Problems") -> None:
        """Take the problems of another check as well."""
        self._kept += others
        self.counts += others.counts

    def confirmed_by(self, others: "Problems") -> "Problems":
        """Those that were found both times."""
        both, known = Problems(), set(others)
        both._kept = [problem for problem in self if problem in known]
        both.counts = Counter(problem.kind for problem in both)
        for kind in both.counts:
            if self.counts[kind] > MOST:
                both.counts[kind] = min(self.counts[kind], others.counts[kind])
        return both


def compare(
    problems: Problems, kind: Kind, found: Mapping[str, int], expected: Mapping[str, int], **place: str | int
) -> None:
    """Add a problem for each name whose numbers differ; what is absent is 0."""
    for name in sorted({*found, *expected}):
        stands, should = found.get(name, 0), expected.get(name, 0)
        if stands != should:
            problems.add(kind, found=stands, expected=should, **place, name=name)


def too_small(
    problems: Problems, kind: Kind, found: Mapping[str, int], least: Mapping[str, int], **place: str | int
) -> None:
    """Add a problem for each name whose number is below the least that it can be."""
    for name, should in sorted(least.items()):
        if found.get(name, 0) < should:
            problems.add(kind, found=found.get(name, 0), expected=should, **place, name=name)
