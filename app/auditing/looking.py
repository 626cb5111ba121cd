"""One look at everything, of one moment: the lanes must stand at the same tips all the while."""

import asyncio
from collections.abc import Collection, Iterable
from functools import partial
from itertools import islice
from typing import Final, Literal

import msgspec

from app.auditing.comparing import CounterCheck, SeriesCheck, check_lines, is_complete, young_hours
from app.auditing.ledger import check_ledgers, summed
from app.auditing.options import Options
from app.auditing.problems import Problems
from app.auditing.publication import extents, group_lanes, read_results
from app.auditing.published import ResultCheck, digest_of, only
from app.auditing.recount import Recount, lane_memory
from app.auditing.report import Compared, Report, Unchecked
from app.auditing.sums import DISTINCT
from app.redis_store.journey_reader import words_of
from app.redis_store.journey_walk import pages
from app.redis_store.ledger_reader import forgotten, ledgers
from app.redis_store.reader import LaneOverview, Reader
from app.redis_store.series_reader import read_series
from streams.core.policy import parse_policy
from streams.policy_book import PolicyBook

PAGES: Final = 20  # between two looks at the tips
HOURS: Final = 24  # read together


class Moved(Exception):
    """A lane did not stand still: what was read is not of one moment."""


class Look:
    """Reads everything once and compares it."""

    def __init__(self, reader: Reader, lanes: Iterable[LaneOverview], options: Options) -> None:
        """`lanes` are those that must stay where they are."""
        self._reader = reader
        self._options = options
        self._partitions = reader.namespace.partitions
        self._lanes = {overview.lane: overview for overview in lanes}
        self._problems = Problems()
        self._strays = Problems()
        self._unchecked: Unchecked = {}
        self._compared_results = 0

    async def take(self) -> Report:
        """What is found; raises Moved as soon as that is noticed."""
        reader, problems = self._reader, self._problems
        lines, erased = await ledgers(reader), await forgotten(reader)
        ledger = summed(lines)
        check_ledgers(problems, lines, self._partitions)
        recount = await self._make_recount()
        await self._read_journeys(recount, sum(ledger.get(line, 0) for line in DISTINCT))
        sums = recount.sums
        for fields in erased:
            sums.take_fields(fields)
        complete = is_complete(sums, ledger)
        check_lines(problems, ledger, sums, complete=complete)
        await self._check_counters(recount, complete=complete)
        await self._check_series(recount)
        if complete and not any(erased):
            problems.add_all(self._strays)
        reused = await reader.reused_orders()
        await self._stand_still()
        compared = Compared(sums.journeys, complete, sums.hours, self._compared_results)
        return Report(ledger, reused, problems, self._unchecked, compared)

    async def _make_recount(self) -> Recount:
        book = PolicyBook(parse_policy(msgspec.json.decode(text)) for text in self._reader.namespace.in_force.values())
        memory, ttls_ms = {}, []
        for lane, (link, keys) in enumerate(islice(self._reader.lane_links(), self._partitions)):
            versions = self._lanes[lane].policies if lane in self._lanes else []
            if book.missing(versions):  # they were published since the namespace was read
                raise Moved
            memory[lane] = lane_memory(await words_of(link, keys), versions, book)
            ttls_ms += [policies.journey_ttl_ms for policies in memory[lane].policies]
        hours = young_hours(self._options.now_ms, min(ttls_ms, default=0), self._options.settings.kept)
        return Recount(memory, self._partitions, hours)

    async def _read_journeys(self, recount: Recount, facts: int) -> None:
        """Count all journeys; compare their results, some lanes at a time."""
        if (reason := self._why_no_results()) is not None:
            self._unchecked["results"] = reason
            await self._walk(recount, range(self._partitions), facts, None)
            return
        offsets = await extents(self._options)
        cut = {lane for lane, (begin, _) in offsets.items() if begin > 0}
        records = {lane: end - begin for lane, (begin, end) in offsets.items()}
        for lanes in group_lanes(records):
            read = partial(read_results, self._options, lanes, sum(records[lane] for lane in lanes))
            check = ResultCheck(await read(digest_of), cut)
            await self._walk(recount, lanes, facts, check)
            if check.wrong:
                await self._stand_still()
                wanted = {wrong.identity for wrong in check.wrong}
                check.name_differences(await read(partial(only, wanted)))
            self._finish_results(check)

    def _why_no_results(self) -> Literal["left_out", "outbox"] | None:
        if not self._options.with_results:
            return "left_out"
        return "outbox" if any(overview.outbox for overview in self._lanes.values()) else None

    async def _walk(self, recount: Recount, lanes: Collection[int], facts: int, check: ResultCheck | None) -> None:
        with self._options.progress("journeys", facts) as progress:
            number = 0
            async for page in pages(self._reader):
                if number % PAGES == 0:
                    await self._stand_still()
                number += 1
                for counted in recount.take(page, lanes):
                    if check is not None:
                        check.take(counted)
                progress(recount.sums.facts)

    def _finish_results(self, check: ResultCheck) -> None:
        self._problems.add_all(check.problems)
        check.find_strays(self._strays)
        self._compared_results += check.compared
        if check.gone:
            self._unchecked["results"] = "retention"

    async def _check_counters(self, recount: Recount, *, complete: bool) -> None:
        check = CounterCheck(recount.sums, recount.figures, complete=complete)
        async for note_id, cells in self._reader.notes():
            check.take(note_id, cells)
        series = await read_series(self._reader)
        check.finish(await series.bucket("totals"))
        self._problems.add_all(recount.problems)
        self._problems.add_all(check.problems)

    async def _check_series(self, recount: Recount) -> None:
        check = SeriesCheck(recount.sums)
        hours, series = recount.sums.hours, await read_series(self._reader)
        for some in (hours[start : start + HOURS] for start in range(0, len(hours), HOURS)):
            stored = await asyncio.gather(*(series.bucket("hours", hour) for hour in some))
            for hour, rows in zip(some, stored, strict=True):
                check.take(hour, rows)
        check.finish()
        self._problems.add_all(check.problems)

    async def _stand_still(self) -> None:
        now = {overview.lane: overview.tip for overview in await self._reader.lanes()}
        if now != {lane: overview.tip for lane, overview in self._lanes.items()}:
            raise Moved
