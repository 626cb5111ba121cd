"""What people read of totals and time series.  Writes nothing."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from app.redis_store.forms import unpack_moments
from app.redis_store.link import require
from app.redis_store.reader import Reader
from app.redis_store.resp import command
from app.redis_store.series import named, unpack_row
from streams.ports import Bucket
from streams.rollups import FOR_EVER, add_counts, roll_up

Rows: TypeAlias = dict[str, dict[str, int]]


class SeriesReader:
    """Totals and series, with what waited to be folded into them when this was made by `read_series`."""

    def __init__(self, reader: Reader, recent: Mapping[tuple[str, int], Rows]) -> None:
        self._reader = reader
        self._recent = recent

    async def bucket(self, span: str, hour: int = 0) -> Rows:
        """All rows of the totals or of an hour, summed over the lanes, zeros left out."""
        total = _copied(self._recent.get((span, hour), {}))
        for link, keys in self._reader.lane_links():
            key = keys.bucket(Bucket(span, hour, None))
            (reply,) = await link.ask(command("HGETALL", key))
            items = require(reply, key)
            for row, value in zip(items[::2], items[1::2], strict=True):
                add_counts(total, row.decode(), named(unpack_row(value, key)))
        return _without_zeros(total)

    async def rows(self, span: str, rows: Mapping[int, Iterable[str]]) -> dict[int, Rows]:
        """Some rows of some hours (0 for totals), summed over the lanes, zeros left out."""
        wanted = {hour: list(names) for hour, names in rows.items()}
        totals: dict[int, Rows] = {}
        for hour, names in wanted.items():
            recent = self._recent.get((span, hour), {})
            totals[hour] = _copied({name: recent[name] for name in names if name in recent})
        for link, keys in self._reader.lane_links():
            buckets = [keys.bucket(Bucket(span, hour, None)) for hour in wanted]
            commands = [command("HMGET", key, *names) for key, names in zip(buckets, wanted.values(), strict=True)]
            replies = await link.ask(*commands) if commands else []
            for (hour, names), key, reply in zip(wanted.items(), buckets, replies, strict=True):
                for row, value in zip(names, require(reply, key), strict=True):
                    if value is not None:
                        add_counts(totals[hour], row, named(unpack_row(value, key)))
        return {hour: _without_zeros(found) for hour, found in totals.items()}


async def read_series(reader: Reader) -> SeriesReader:
    """A reader of series.  What lanes fold from now on it would see twice: make another when their tips have moved."""
    recent: dict[tuple[str, int], Rows] = {}
    for link, keys in reader.lane_links():
        (values,) = await link.ask(command("LRANGE", keys.recent, 0, -1))
        moments = unpack_moments(require(values, keys.recent), keys.recent)
        for bucket, rows in roll_up(moments, FOR_EVER, 0).items():
            known = recent.setdefault((bucket.span, bucket.hour), {})
            for row, counts in rows.items():
                add_counts(known, row, counts)
    return SeriesReader(reader, recent)


def _copied(rows: Rows) -> Rows:
    return {row: counts.copy() for row, counts in rows.items()}


def _without_zeros(rows: Rows) -> Rows:
    some = {row: {name: count for name, count in counts.items() if count} for row, counts in rows.items()}
    return {row: counts for row, counts in some.items() if counts}
