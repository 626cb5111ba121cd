"""Poison: a batch that cannot be absorbed is taken apart until the records are found that are to blame.

What fails for one token is set aside where it happens (`streams.digest`).  This is for all else that sees a whole
batch: decoding, placing, counting, encoding.  The batch is halved and rehearsed until single records fail; these are
parked as dead letters with code `internal`, and the rest commits.
"""

import logging
from collections.abc import Sequence

from streams.arrivals import arrivals
from streams.errors import LaneStopped, RedcatError
from streams.owner import Owner, last_records
from streams.parking import INTERNAL, park
from streams.records import Batch, Entry, Record, Spans, Tip
from streams.rollups import Gathered, roll_up

log = logging.getLogger(__name__)

Placed = tuple[str, Record]


async def absorb(owner: Owner, batch: Batch, trim: Tip | None) -> Entry:
    """As Owner.absorb, without the records at which it fails.

    Raises LaneStopped when it fails although no single record does, with what it fails by.
    """
    try:
        return await owner.absorb(batch, trim)
    except RedcatError:
        raise
    except Exception:
        log.exception("a batch cannot be absorbed", extra={"lane": owner.lane, "from": batch.before})
    placed = [(topic, record) for topic, records in batch.records.items() for record in records]
    guilty = await _guilty(owner, batch, placed)
    poison: Spans = park({}, ((topic, INTERNAL, record) for topic, record in guilty))
    log.error("records are set aside", extra={"lane": owner.lane, "records": len(guilty), "parked": poison})
    try:
        return await owner.absorb(batch, trim, poison)
    except RedcatError:
        raise
    except Exception as error:
        raise LaneStopped(f"lane {owner.lane}: the batch from {batch.before} cannot be absorbed: {error!r}") from error


async def _guilty(owner: Owner, batch: Batch, placed: Sequence[Placed]) -> list[Placed]:
    """The records that fail by themselves."""
    if not placed or not await _fails(owner, batch, placed):
        return []
    if len(placed) == 1:
        return list(placed)
    half = len(placed) // 2
    return await _guilty(owner, batch, placed[:half]) + await _guilty(owner, batch, placed[half:])


async def _fails(owner: Owner, batch: Batch, placed: Sequence[Placed]) -> bool:
    records: dict[str, list[Record]] = {}
    for topic, record in placed:
        records.setdefault(topic, []).append(record)
    try:
        await _rehearse(owner, batch._replace(records=records))
    except RedcatError:
        raise
    except Exception:
        return True
    return False


async def _rehearse(owner: Owner, batch: Batch) -> None:
    """All that a commit of the batch would work out, and nothing of what it would change."""
    arrived = arrivals(batch, owner.around.partitions)
    digest = await owner.digest(arrived)
    parked = park(owner.parked, ((one.topic, one.code, one.record) for one in digest.aside))
    owner.entry(owner.positions, parked, digest.results, arrived, digest.aside, last=last_records(batch))
    digest.journeys()
    digest.orders()
    roll_up([Gathered(digest.increments().moments)], owner.around.kept, owner.around.now_ms())
