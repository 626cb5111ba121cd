"""Seeded records in Kafka, and the truth about them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from rich.progress import Progress

from app.kafka_sender import kafka_sender
from app.settings import Settings
from app.simulator.config import Mix, SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.simulator.truth_file import Truth, truth_of
from bench.world import progress
from streams.codec import InvalidRecord, examine


async def send(settings: Settings, *, events: int, seed: int) -> Truth:
    """Send a simulation as fast as Kafka takes it; returns what it amounts to."""
    tallies = Tallies()
    config = SimulatorConfig(events=events, seed=seed, partitions=settings.partitions)
    with Progress(console=progress, transient=True) as bar:
        sending = bar.add_task(f"sending {events:,} records", total=events)
        async with kafka_sender(settings) as sender:
            await sender.send(simulate(config, tallies), lambda sent: bar.update(sending, completed=sent))
    return truth_of(tallies)


def valid_records(settings: Settings, tallies: Tallies, *, events: int, seed: int, mix: Mix) -> Iterator[Outgoing]:
    """Those records of a simulation that are valid; `tallies` are complete after the last one."""
    config = SimulatorConfig(events=events, seed=seed, partitions=settings.partitions, mix=mix)
    for record in simulate(config, tallies):
        with suppress(InvalidRecord):
            examine(record.topic, record.key, record.value)
            yield record


async def send_records(settings: Settings, records: Iterable[Outgoing]) -> int:
    """Send records as fast as Kafka takes them; returns how many they were."""
    async with kafka_sender(settings) as sender:
        await sender.send(records)
        return sender.sent
