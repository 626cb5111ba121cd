"""What a worker's lanes do, counted.  Once a batch or less often: a few microseconds each time."""

from collections import Counter as Tally

from app.health.bad_share import BadShare
from app.metrics.instruments import Instruments
from app.metrics.table import WorkerName
from streams.errors import LaneStopped, RedcatError, Refused
from streams.records import Batch, Entry
from streams.topics import DEAD_LETTER

CODE_HEADER = "__dlq.error.code"


class WatchingLanes:
    """A `streams.observer.Observer` that counts."""

    def __init__(self, instruments: Instruments[WorkerName], bad: BadShare) -> None:
        self._bad = bad
        self._takeovers = instruments.counter("redcat_takeovers_total")
        self._batches = instruments.counter("redcat_batches_total")
        self._records = instruments.counter("redcat_records_total")
        self._letters = instruments.counter("redcat_dead_letters_total")
        self._forwarded = instruments.counter("redcat_forwarded_total")
        self._replayed = instruments.counter("redcat_replayed_records_total")
        instruments.gauge("redcat_bad_records_limit_ratio").set(bad.limit)
        instruments.gauge("redcat_bad_records_ratio").set_function(lambda: bad.share)

    def taking_over(self, lane: int, trouble: RedcatError | None) -> None:  # noqa: ARG002  # lanes fail together
        """See Observer."""
        self._takeovers.labels(reason_of(trouble)).inc()

    def absorbed(self, batch: Batch, entry: Entry) -> None:
        """See Observer."""
        self._batches.labels(str(batch.lane)).inc()
        records = 0
        for topic, some in batch.records.items():
            self._records.labels(topic).inc(len(some))
            records += len(some)
        codes = Tally(_code(message.headers) for message in entry.messages if message.topic == DEAD_LETTER)
        for code, count in codes.items():
            self._letters.labels(code).inc(count)
        letters = codes.total()
        self._forwarded.inc(len(entry.messages) - letters)
        self._bad.add(records, letters)

    def replayed(self, batch: Batch) -> None:
        """See Observer."""
        self._replayed.inc(sum(map(len, batch.records.values())))


def reason_of(trouble: RedcatError | None) -> str:
    """Why a lane is taken over, by what ended the ownership before."""
    if trouble is None:
        return "assigned"
    if isinstance(trouble, LaneStopped):
        return "stopped"
    return "refused" if isinstance(trouble, Refused) else "unavailable"


def _code(headers: list[tuple[str, bytes]]) -> str:
    return next(value.decode() for name, value in headers if name == CODE_HEADER)
