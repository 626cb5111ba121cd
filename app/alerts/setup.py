"""An evaluator put together from the settings."""

import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from app.alerts.channels.delivery import USUAL, Courier, Delivery
from app.alerts.channels.making import make_channel
from app.alerts.channels.specification import read_channels
from app.alerts.clocks import Clock, EventClock
from app.alerts.cohorts import learn_delays, no_delays
from app.alerts.history import hours_before, no_hours
from app.alerts.observing import Observer
from app.alerts.record import AlertRecord
from app.alerts.recorded import RecordedObserver
from app.alerts.remembering import Remembering
from app.alerts.rules_file import read_rules
from app.alerts.running import Evaluator, Meter, Sight, Unmetered, Work
from app.alerts.telling import Teller
from app.connections import kafka_options, redis_address, until_answered
from app.redis_store.alerts import AlertStore
from app.redis_store.link import dialler
from app.settings import Settings
from app.texts import language_of
from app.topic_admin import require_topics
from streams.publisher_alerts import AlertPublisher
from streams.topics import physical

Told = Callable[[Sequence[AlertRecord]], None]


@asynccontextmanager
async def evaluator(
    settings: Settings, clock: Clock, told: Told, meter: Meter | None = None
) -> AsyncIterator[tuple[Evaluator, Delivery]]:
    """An evaluator and the delivery of its messages, both to be run; Misconfigured says which setting is wrong."""
    rules = read_rules(settings.alert_rules)
    teller: Teller

    def taken(message_id: str, channel: str) -> None:
        teller.taken(message_id, channel)

    delivery = Delivery(
        [
            Courier(one.name, make_channel(one, settings.alert_secret), one.severities, delivered=taken, patience=USUAL)
            for one in read_channels(settings.alert_channels)
        ]
    )
    language = language_of(settings.alert_language, os.environ)
    teller = Teller(delivery, language=language, public_url=settings.public_url)
    await require_topics(settings)
    async with AsyncExitStack() as opened:
        store = AlertStore(dialler(redis_address(settings)), settings.group)
        opened.push_async_callback(store.close)
        publisher = publisher_of(settings)
        await until_answered(publisher.start, server=f"Kafka at {settings.kafka}")
        opened.push_async_callback(publisher.stop)
        yield (
            Evaluator(Work(rules, clock, _sight(clock), store, publisher, teller, told, meter or Unmetered())),
            delivery,
        )


def _sight(clock: Clock) -> Sight:
    """Of a replay what its time series tell, from its beginning; else counters as they change, from what is known."""
    if isinstance(clock, EventClock):
        return Sight(RecordedObserver(), no_hours, no_delays, None)
    observer = Observer()
    remembering = Remembering(observer, now_ms=lambda: time.time_ns() // 1_000_000)
    return Sight(observer, hours_before, learn_delays, remembering)


def publisher_of(settings: Settings) -> AlertPublisher:
    """The publisher of alerts that the settings name."""
    return AlertPublisher(
        kafka_options(settings),
        settings.group,
        names=lambda name: physical(settings.topic_prefix, name),
        partitions=settings.partitions,
    )
