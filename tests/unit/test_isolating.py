"""Poison that fails a whole batch: the records to blame are found and set aside, the rest commits."""

from collections.abc import Sequence

import pytest

from app.memory_store import MemoryStore
from app.policies.file import read_policies
from streams.arrivals import Arrivals
from streams.core.facts import Fact
from streams.digest import Digest, Digester
from streams.errors import LaneStopped
from streams.isolating import absorb
from streams.owner import Owner, Surroundings
from streams.policy_book import PolicyBook
from streams.records import Batch, Entry, Tip
from tests.behaviour.builders import click, paid
from tests.generators.records import Written
from tests.pure_worker import Consumed


class Brittle(Digester):
    """Fails for a whole batch when too many of its facts are of one merchant."""

    bearable = 0

    def digest(self, arrived: Arrivals[Fact], loaded: Sequence[bytes | None], revision: int) -> Digest:
        facts = (fact for facts in arrived.by_key.values() for fact in facts)
        if sum(fact.merchant_id == "poison" for fact in facts) > self.bearable:
            raise ZeroDivisionError
        return super().digest(arrived, loaded, revision)


class Fragile(Owner):
    """An owner whose batches fail as a whole."""

    bearable = 0

    @property
    def digester(self) -> Brittle:
        digester = Brittle(self.policies.sets, self._words)
        digester.bearable = self.bearable
        return digester


class Nowhere:
    """Neither feed nor publisher: a commit needs none."""


async def fragile(store: MemoryStore, *, bearable: int = 0) -> Fragile:
    """An owner of lane 0."""
    around = Surroundings(store, Nowhere(), Nowhere(), PolicyBook(read_policies(None)), 1, lambda: 0)  # type: ignore[arg-type]
    owner = Fragile(0, around, await store.acquire(0, "a"))
    owner.bearable = bearable
    return owner


def batch(*records: Written) -> Batch:
    """Records of one topic each, from the beginning."""
    by_topic: dict[str, list[Consumed]] = {}
    for record in records:
        known = by_topic.setdefault(record.topic, [])
        known.append(Consumed(len(known), 0, record.key, record.value))
    after = {topic: len(known) for topic, known in by_topic.items()}
    return Batch(0, 1, dict.fromkeys(after, 0), after, by_topic)


def many(*poisoned: int) -> Batch:
    """A hundred clicks and a payment, of which some clicks are poison."""
    clicks = [
        click(f"c{number}", token=f"t{number}", merchant_id="poison" if number in poisoned else "m1")
        for number in range(100)
    ]
    return batch(*clicks, paid(at=1, token="t1"))


def codes(entry: Entry) -> list[tuple[str, str]]:
    """Codes and offsets of the dead letters."""
    headers = [dict(message.headers) for message in entry.messages]
    return [(head["__dlq.error.code"].decode(), head["__dlq.original.offset"].decode()) for head in headers]


async def test_the_records_that_fail_a_batch_are_found_and_the_rest_commits() -> None:
    store = MemoryStore(lambda: 0)
    owner = await fragile(store)
    entry = await absorb(owner, many(3, 4, 77), None)
    assert codes(entry) == [("internal", "3"), ("internal", "4"), ("internal", "77")]
    assert owner.parked == {"click-out:internal": [(3, 5), (77, 78)]}
    assert owner.tip == Tip("a", 1)
    ledger = store.ledger()
    assert ledger["click-out:distinct"] == 97
    assert ledger["click-out:invalid/internal"] == 3
    assert ledger["order:distinct"] == 1


async def test_a_batch_without_poison_is_absorbed_in_one_go() -> None:
    owner = await fragile(MemoryStore(lambda: 0))
    assert codes(await absorb(owner, many(), None)) == []


async def test_a_batch_that_fails_although_none_of_its_records_does_stops_the_lane() -> None:
    store = MemoryStore(lambda: 0)
    owner = await fragile(store, bearable=1)
    with pytest.raises(LaneStopped, match="cannot be absorbed: ZeroDivisionError"):
        await absorb(owner, many(1, 60), None)
    assert store.ledger() == {}


async def test_a_core_that_fails_for_too_many_records_stops_the_lane() -> None:
    owner = await fragile(MemoryStore(lambda: 0))
    owner.parked = {"order:internal": [(2 * number, 2 * number + 1) for number in range(10_000)]}
    with pytest.raises(LaneStopped, match="the version that runs must be to blame"):
        await absorb(owner, many(3), None)
