"""The audit: a look at lanes that stand still, and what can be said when they do not."""

import asyncio
from typing import Final

from app.auditing.ledger import check_ledgers, summed
from app.auditing.looking import Look, Moved
from app.auditing.options import Options
from app.auditing.report import Report
from app.reading import reading
from app.redis_store.ledger_reader import ledgers
from app.redis_store.reader import LaneOverview, Reader

TRIES: Final = 6
LOOK_EVERY_S: Final = 0.2


async def audit(options: Options) -> Report:
    """Check all that can be checked now."""
    found = await _look(options)
    if found is None:
        return await _of_ledger(options)
    if found.problems.counts:
        # While many keys expire Redis may tell one twice, and it is counted twice: what is wrong is so the second time.
        again = await _look(options._replace(outbox_s=0))
        if again is not None:
            again.problems = again.problems.confirmed_by(found.problems)
            return again
    return found


async def _look(options: Options) -> Report | None:
    """Look until the lanes have stood still for once; None if they do not."""
    for attempt in range(TRIES):
        await asyncio.sleep(options.pause_s if attempt else 0)
        async with reading(options.settings) as reader:
            lanes = await _settled(reader, options)
            options = options._replace(outbox_s=0)  # it was waited for
            try:
                return await Look(reader, lanes, options).take()
            except Moved:
                continue
    return None


async def _settled(reader: Reader, options: Options) -> list[LaneOverview]:
    """Where the lanes stand; if that is soon, when nothing is on its way to Kafka any more."""
    lanes, left_s = await reader.lanes(), options.outbox_s if options.with_results else 0.0
    while left_s > 0 and any(lane.outbox for lane in lanes):
        await asyncio.sleep(LOOK_EVERY_S)
        left_s -= LOOK_EVERY_S
        lanes = await reader.lanes()
    return lanes


async def _of_ledger(options: Options) -> Report:
    """What holds while lanes move."""
    async with reading(options.settings) as reader:
        lines = await ledgers(reader)
        report = Report(summed(lines), await reader.reused_orders())
        check_ledgers(report.problems, lines, reader.namespace.partitions)
    for check in ("totals", "recount", "figures", "series", "results"):
        report.unchecked[check] = "moving"
    return report
