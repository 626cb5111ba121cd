"""What people read of totals and time series.  Writes nothing."""

from collections.abc import Mapping

from app.redis_store.forms import unpack_moments
from app.redis_store.link import Link, require
from app.redis_store.reader import Reader
from app.redis_store.resp import command
from app.redis_store.rows import read_row
from app.redis_store.told_rows import Span, add_moments, key_of, older_key_of, told
from streams.rollups import Rows, add_counts


class SeriesReader:
    """Totals and series, with what waited to be folded into them when this was made by `read_series`."""

    def __init__(self, reader: Reader, recent: Mapping[Span, Rows]) -> None:
        self._reader = reader
        self._recent = recent

    async def bucket(self, span: str, hour: int = 0) -> Rows:
        """All rows of the totals or of an hour, summed over the lanes, zeros left out."""
        total = {row: counts.copy() for row, counts in self._recent.get((span, hour), {}).items()}
        for link, keys in self._reader.lane_links():
            key = key_of(keys, (span, hour))
            for field, value in await _fields(link, key):
                for row, counts in told((span, hour), field, value, key):
                    add_counts(total, row, counts)
            if span == "minutes":
                older = older_key_of(keys, hour)
                for row, value in await _fields(link, older):
                    add_counts(total, row, read_row(value, older))
        return _without_zeros(total)


async def read_series(reader: Reader) -> SeriesReader:
    """A reader of series.  What lanes fold from now on it would see twice: make another when their tips have moved."""
    recent: dict[Span, Rows] = {}
    for link, keys in reader.lane_links():
        (values,) = await link.ask(command("LRANGE", keys.recent, 0, -1))
        add_moments(recent, unpack_moments(require(values, keys.recent), keys.recent))
    return SeriesReader(reader, recent)


async def _fields(link: Link, key: bytes) -> list[tuple[str, bytes]]:
    (reply,) = await link.ask(command("HGETALL", key))
    items = require(reply, key)
    return [(field.decode(), value) for field, value in zip(items[::2], items[1::2], strict=True)]


def _without_zeros(rows: Rows) -> Rows:
    some = {row: {name: count for name, count in counts.items() if count} for row, counts in rows.items()}
    return {row: counts for row, counts in some.items() if counts}
