"""All lanes at once without servers: batches through decoding and digest, journeys and sums kept in dictionaries."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from streams.arrivals import arrivals, dead_letter, forward
from streams.commits import Increments
from streams.core.policy import parse_policy
from streams.core.results import Result
from streams.core.terms import PolicySet
from streams.digest import Digester
from streams.digesting import Digest
from streams.metric_digest import MetricDigester, stored_names
from streams.records import Batch, Message
from streams.rollups import unfolded
from streams.topics import METRIC_TOPICS, lane_count, partition_of_lane, topics_of
from streams.words import Words
from tests.oracle.intake import Record


class Consumed(NamedTuple):
    """A record as the feed delivers it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Sums:
    """What a worker's input has come to: the store's counters and ledger, and all that was published."""

    def __init__(self) -> None:
        self.cells: Counter[tuple[str, str, str]] = Counter()  # (note, cell, counter)
        self.ledger: Counter[str] = Counter()
        self.series: Counter[tuple[str, int, str, str]] = Counter()  # (span, hour, row, counter)
        self.published: list[Result] = []
        self.messages: list[Message] = []

    def notes(self) -> dict[str, dict[str, Any]]:
        """Counters by note as `redcat counters --json` tells them."""
        notes: dict[str, dict[str, Any]] = {}
        for (note, _, name), count in self.cells.items():
            if count and not name.startswith(("refused:", "clicks_repeated")):
                _add(notes.setdefault(note, {}), name, count)
        return notes

    def refused(self) -> dict[tuple[str, str], int]:
        """Refused facts by nearest note and KIND/REASON."""
        refused: Counter[tuple[str, str]] = Counter()
        for (note, _, name), count in self.cells.items():
            if name.startswith("refused:"):
                refused[note, name.removeprefix("refused:")] += count
        return {place: count for place, count in refused.items() if count}

    def latest(self) -> dict[tuple[str, str], Result]:
        """The truth of each identity ever published."""
        latest: dict[tuple[str, str], Result] = {}
        for result in self.published:
            known = latest.get((result.token, result.result_id))
            if known is None or known.revision < result.revision:
                latest[result.token, result.result_id] = result
        return latest


class PureWorker(Sums):
    """Absorbs batches of any lane."""

    def __init__(self, policies: Iterable[Mapping[str, Any]], partitions: int) -> None:
        super().__init__()
        self._policies = PolicySet(parse_policy(dict(document)) for document in policies)
        self._partitions = partitions
        self._digester = Digester([self._policies], Words())
        self._metrics = MetricDigester()
        self.journeys: dict[str, bytes] = {}
        self.orders: dict[str, set[str]] = {}  # order id -> tokens
        self.revision = 0

    def absorb(self, lane: int, records: Sequence[Record]) -> None:
        """Absorb records of one lane as one batch."""
        by_topic: dict[str, list[Consumed]] = {}
        for record in records:
            consumed = Consumed(record.offset, 1_750_000_000_000, record.key, record.value)
            by_topic.setdefault(record.topic, []).append(consumed)
        arrived = arrivals(Batch(lane, 0, {}, {}, by_topic), self._partitions)
        self.revision += 1
        digest: Digest
        if topics_of(lane, self._partitions) == METRIC_TOPICS:
            names = stored_names(arrived.by_key)
            digest = self._metrics.digest(arrived, [self.journeys.get(name) for name in names], self.revision)
        else:
            loaded = [self.journeys.get(token) for token in arrived.by_key]
            digest = self._digester.digest(arrived, loaded, self.revision)
        for journeys in digest.journeys():
            self.journeys.update(zip(journeys.tokens, journeys.values, strict=True))
        if orders := digest.orders():
            for order_id, token in (*orders.new, *orders.kept):
                self.orders.setdefault(order_id, set()).add(token)
            for order_id, token in orders.gone:
                self.orders[order_id].remove(token)
        increments = digest.increments()
        self._add_up(increments)
        self.published += [msgspec.json.decode(record.value, type=Result) for record in digest.results]
        partition = partition_of_lane(lane, self._partitions)
        self.messages += [dead_letter(aside, partition) for aside in digest.aside]
        self.messages += [forward(misplaced) for misplaced in arrived.misplaced]

    def _add_up(self, increments: Increments) -> None:
        for span, number, row, counts in unfolded(increments.moments):
            for name, change in counts.items():
                self.series[span, number, row, name] += change
        for note, cells in increments.cells.items():
            for cell, changes in cells.items():
                for name, change in changes.items():
                    self.cells[note, cell, name] += change
        self.ledger.update(increments.ledger)

    def absorb_all(self, batches: Iterable[Sequence[Record]]) -> None:
        """Absorb batches that mix lanes, each lane's part by itself."""
        for batch in batches:
            for lane in range(lane_count(self._partitions)):
                place = partition_of_lane(lane, self._partitions), topics_of(lane, self._partitions)
                of_lane = [record for record in batch if record.partition == place[0] and record.topic in place[1]]
                if of_lane:
                    self.absorb(lane, of_lane)


def _add(counters: dict[str, Any], name: str, count: int) -> None:
    name, _, currency = name.partition(":")
    if currency:
        counters = counters.setdefault(name, {})
        name = currency
    counters[name] = counters.get(name, 0) + count
