"""The one place that knows every concrete class: puts a worker together from the settings."""

import gc
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

import faust
from faust.app.base import BootStrategy

from app.connections import kafka_options, redis_address, until_answered
from app.health.monitor import Monitor
from app.health.survey import Surveyed
from app.health.timely import TimelyFeed
from app.metrics.timing import TimedPublisher
from app.policies.file import policy_texts, read_policies
from app.policies.in_force import PoliciesInForce, policy_feed
from app.redis_store.clock import SharedClock
from app.redis_store.link import dialler
from app.redis_store.namespace import Namespace, check_servers, open_namespace
from app.redis_store.ping import Ping
from app.settings import Settings
from app.telling import Teller, TellingStore
from app.topic_admin import require_topics
from streams import agents
from streams.errors import RedcatError, Refused
from streams.feed import KafkaFeed
from streams.lanes import Lanes
from streams.owner import Surroundings
from streams.policy_book import PolicyBook
from streams.publisher import KafkaPublisher
from streams.records import Batch
from streams.topics import physical, physical_kinds

REPORT_POSITIONS_S: Final = 5.0
COLLECT_GARBAGE_S: Final = 5.0
YOUNG_COLLECTIONS: Final = 12  # to one full one, which takes some ms and finds what lost lanes have left


class Boot(BootStrategy):
    """Faust gives agents, services and supervision; Kafka is read and written by the feed and the publisher."""

    enable_kafka = False
    enable_web = False


class Frame(faust.App):
    """The Faust app of a worker."""

    BootStrategy = Boot

    async def on_first_start(self) -> None:
        """Let batches through, which Faust's own consumer would do; make no data folder, for a worker keeps nothing."""
        self.flow_control.resume()


def build_worker(settings: Settings, *, accept_lag: bool = False) -> faust.App:
    """A worker as a Faust app that is not started yet; for `accept_lag` see TimelyFeed."""
    app = Frame(
        settings.group,
        broker=f"kafka://{settings.kafka.split(',')[0].strip()}",  # never used, but Faust wants one
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
    )

    lanes: Lanes
    batches: faust.ChannelT[Batch]

    async def deliver(batch: Batch) -> None:
        await batches.send(value=batch)

    async def assign(numbers: set[int]) -> None:
        await lanes.assign(numbers)

    def fail(number: int, error: RedcatError) -> None:
        lanes.fail(number, error)

    def crashed(error: BaseException) -> None:
        app.add_future(app.crash(error))

    feed = KafkaFeed(
        kafka_options(settings),
        settings.group,
        physical_kinds(settings.topic_prefix),
        settings.partitions,
        deliver=deliver,
        on_lanes=assign,
        on_stopped=fail,
    )
    spine = Spine(settings, feed, accept_lag=accept_lag)
    lanes = spine.lanes = Lanes(spine.around, crashed)
    batches = agents.register(app, lanes)
    app.service(spine)  # type: ignore[arg-type]  # Faust takes a service as well as its class
    return app


def publisher_of(settings: Settings) -> KafkaPublisher:
    """The publisher of a worker, which can also tell what was published."""
    return KafkaPublisher(
        kafka_options(settings),
        settings.group,
        names=lambda name: physical(settings.topic_prefix, name),
        partitions=settings.partitions,
        source=f"redcat/{settings.group}",
    )


def now_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


class Spine(faust.Service):
    """Starts, within the Faust app, everything that moves batches, and stops it in the right order."""

    lanes: Lanes

    def __init__(self, settings: Settings, feed: KafkaFeed, *, accept_lag: bool) -> None:
        super().__init__()
        self._settings = settings
        self._own_policies = policy_texts(read_policies(settings.policy))
        self._policies = PoliciesInForce(policy_feed(settings), book := PolicyBook(), self._open_namespace)
        self._feed = feed
        self._dial = dialler(redis_address(settings))
        self._clock = SharedClock(self._dial)
        self._timely = TimelyFeed(feed, book, self._clock.now_ms, settings.partitions, accept_lag=accept_lag)
        self._publisher = publisher_of(settings)
        self._to_stop = AsyncExitStack()  # what to stop, the last first
        self._generation = 0  # of the namespace, as it was last seen
        self._ping = Ping(self._dial, settings.group, settings.shards)
        self._monitor = monitor = Monitor(settings)
        self._teller = Teller(self._dial, settings.group)
        self._store = TellingStore(self._dial, settings.group, settings.shards, monitor.instruments, self._teller)
        publisher = TimedPublisher(self._publisher, monitor.instruments)
        self.around = Surroundings(
            self._store, publisher, self._timely, book, settings.partitions, now_ms, settings.kept, monitor.observer
        )

    async def on_start(self) -> None:
        """Look at the topics, open the namespace, join the group; servers that are away are waited for."""
        settings = self._settings
        self._monitor.start()
        self._to_stop.callback(self._monitor.stop)
        await require_topics(settings)
        self._to_stop.push_async_callback(self._policies.stop)
        redis = f"Redis at {settings.shown()['redis']}"
        await until_answered(lambda: check_servers(self._dial, settings.shards), server=redis)
        await until_answered(self._clock.start, server=redis)
        await until_answered(self._policies.start, server=f"Kafka at {settings.kafka}")
        await until_answered(self._policies.learn, server=redis)
        self._to_stop.push_async_callback(self._store.close)
        self._to_stop.callback(self._ping.close)
        for part in (self._publisher, self._feed):
            await until_answered(part.start, server=f"Kafka at {settings.kafka}")
            self._to_stop.push_async_callback(part.stop)
        self._to_stop.push_async_callback(self._hand_over)

    async def _open_namespace(self, published: Mapping[int, str]) -> Namespace:
        settings = self._settings
        namespace = await open_namespace(
            self._dial, settings.group, partitions=settings.partitions, shards=settings.shards,
            policies=self._own_policies, published=published,
        )  # fmt: skip
        if namespace.generation != self._generation:
            # Lanes that move have noticed already: whoever rebuilds a namespace takes them from their owners.
            self._generation = namespace.generation
            for lane in self.lanes.lanes():
                lane.fail(Refused("another generation of the namespace is in force"))
        return namespace

    async def _hand_over(self) -> None:
        positions = self.lanes.positions()
        await self.lanes.close()
        await self._timely.report(positions)

    async def on_stop(self) -> None:
        """Hand the lanes over, then leave the group at once."""
        self._monitor.stop_watching()
        await self._to_stop.aclose()

    @faust.Service.task
    async def _fetch(self) -> None:
        await self._feed.run()

    @faust.Service.task
    async def _hear_policies(self) -> None:
        await self._policies.run()

    @faust.Service.task
    async def _look_after_lanes(self) -> None:
        await self.lanes.look_after()

    @faust.Service.task
    async def _tell_results(self) -> None:
        await self._teller.run()

    @faust.Service.task
    async def _watch(self) -> None:
        await self._monitor.watch(Surveyed(self.lanes, self._timely, self._ping, now_ms))

    @faust.Service.task
    async def _report_positions(self) -> None:
        """Tell Kafka where the lanes stand, for the lag tools of people; nothing here ever reads it."""
        while not self.should_stop:
            await self.sleep(REPORT_POSITIONS_S)
            await self._timely.report(self.lanes.positions())

    @faust.Service.task
    async def _collect_garbage(self) -> None:
        """Collect on purpose: left to itself the collector took two fifths of the time."""
        gc.collect()
        gc.freeze()
        gc.disable()
        while not self.should_stop:
            # What is young is soon looked through; what has stayed is looked through now and then only.
            for _ in range(YOUNG_COLLECTIONS):
                await self.sleep(COLLECT_GARBAGE_S)
                gc.collect(0)
            gc.collect()
