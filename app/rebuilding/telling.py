"""The copy against what was published: where it says something else, it must be told."""

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Final

import msgspec

from app.auditing.options import Options
from app.auditing.publication import extents, group_lanes
from app.auditing.published import ResultCheck, digest_of
from app.auditing.recount import Recount, lane_memory
from app.rebuilding.differences import Differences
from app.redis_store.journey_reader import words_of
from app.redis_store.journey_walk import pages
from app.redis_store.reader import Reader
from app.results_reader import Results, reading_results
from streams.murmur2 import partition_of
from streams.policy_book import PolicyBook

NO_HOURS: Final = range(0)


class Named(msgspec.Struct, gc=False):
    """What is looked at first in a result."""

    token: str
    revision: int


_named = msgspec.json.Decoder(Named).decode


class ResultsUpTo(Results[bytes]):
    """Results up to a revision by lane: those that a copy covers."""

    def __init__(self, revisions: Mapping[int, int], partitions: int) -> None:
        super().__init__(digest_of)
        self._greatest = revisions
        self._partitions = partitions

    def add(self, value: bytes) -> None:
        """Take one record's value, if it is covered."""
        named = _named(value)
        lane = partition_of(named.token.encode(), self._partitions)
        if named.revision <= self._greatest.get(lane, 0):
            super().add(value)


async def lanes_to_retell(
    found: Differences, copy: Reader, book: PolicyBook, revisions: Mapping[int, int], options: Options
) -> set[int]:
    """The lanes in which the copy says of some result what was not published; `revisions` are those of its markers.

    What was published and the copy does not know at all is only named: nobody can tell what became of it.
    """
    offsets = await extents(options)
    records = {lane: end - begin for lane, (begin, end) in offsets.items()}
    cut = {lane for lane, (begin, _) in offsets.items() if begin > 0}
    lanes: set[int] = set()
    for group in group_lanes(records):
        published = ResultsUpTo(revisions, copy.namespace.partitions)
        async with reading_results(options.settings, partitions=group) as reader:
            with options.progress("results", sum(records[lane] for lane in group)) as progress:
                await reader.read_to_end(published, progress)
        check = ResultCheck(published, cut)
        await _compare(check, copy, book, group)
        lanes |= check.lanes
        check.find_strays(check.problems)
        _name(found, check)
    return lanes


def _name(found: Differences, check: ResultCheck) -> None:
    for problem in check.problems:
        place = dict(problem.place)
        missing = problem.kind == "result_missing"
        sides = (None, "held") if missing else ("published", None)
        found.add("result", f"{place['token']} {place['result']}", *sides)
    for identity, expected in check.wrong:
        found.add("result", identity, "published otherwise", f"{expected.outcome} {expected.reason or ''}".strip())
    if more := check.differing - len(check.wrong) + sum(check.problems.left_out().values()):
        found.counts["result"] += more


async def _compare(check: ResultCheck, copy: Reader, book: PolicyBook, group: Collection[int]) -> None:
    """Show the check all journeys of some lanes."""
    overviews = {overview.lane: overview for overview in await copy.lanes()}
    memory = {}
    for lane, (link, keys) in enumerate(islice(copy.lane_links(), copy.namespace.partitions)):
        versions = overviews[lane].policies if lane in overviews else []
        memory[lane] = lane_memory(await words_of(link, keys), versions, book)
    recount = Recount(memory, copy.namespace.partitions, NO_HOURS)
    async for page in pages(copy):
        for counted in recount.take(page, group):
            check.take(counted)
