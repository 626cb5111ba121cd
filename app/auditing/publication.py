"""The topic of results as an audit reads it: some lanes at a time, so that memory has a bound."""

from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeVar

from app.auditing.options import Options
from app.results_reader import Results, reading_results

MOST_RECORDS: Final = 500_000  # remembered at a time, 0.2 GB; a lane that has more is read by itself

Kept = TypeVar("Kept")


def group_lanes(records: Mapping[int, int]) -> list[list[int]]:
    """All lanes in groups, each of one lane or of so many that their records together are not too many."""
    groups: list[list[int]] = []
    room = 0
    for lane, count in sorted(records.items()):
        if not groups or count > room:
            groups.append([])
            room = MOST_RECORDS
        groups[-1].append(lane)
        room -= count
    return groups


async def extents(options: Options) -> dict[int, tuple[int, int]]:
    """By lane the first and the last offset of its results."""
    async with reading_results(options.settings) as reader:
        return await reader.extents()


async def read_results(
    options: Options, lanes: Collection[int], records: int, keep: Callable[[bytes], Kept]
) -> Results[Kept]:
    """The latest results of some lanes, out of about so many records."""
    results = Results(keep)
    async with reading_results(options.settings, partitions=lanes) as reader:
        with options.progress("results", records) as progress:
            await reader.read_to_end(results, progress)
    return results
