"""What can happen in a chaos run: each fault with its name, how often it comes, and what it touches."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple, TypeAlias

from tests.chaos.crew import Crew, Worker
from tests.chaos.proxy import Proxy
from tests.chaos.servers import Servers
from tests.chaos.watchers import Billing

SESSION_S: Final = 8.0  # of a worker in its consumer group
FEWEST_WORKERS, MOST_WORKERS = 2, 5
HOUR_S: Final = 3_600


@dataclass(frozen=True)
class Scene:
    """What faults act on."""

    servers: Servers
    crew: Crew
    billing: Billing
    random: Random

    def now_s(self) -> float:
        """Loop time."""
        return asyncio.get_running_loop().time()


Act: TypeAlias = Callable[[Scene], Awaitable[float | None]]
"""Makes a fault and takes it back; the loop time from which on the lanes are to recover, None if there was no fault."""


class Fault(NamedTuple):
    """One kind of fault."""

    kind: str
    weight: float
    touches: str  # only one fault at a time touches a thing; "": any number at a time
    act: Act


def _some_worker(scene: Scene) -> Worker | None:
    idle = scene.crew.idle()
    if not idle:
        return None
    worker = scene.random.choice(idle)
    worker.engaged = True
    return worker


async def _kill_worker(scene: Scene) -> float | None:
    worker, at_s = _some_worker(scene), scene.now_s()
    if worker is None:
        return None
    await scene.crew.kill(worker)
    await asyncio.sleep(scene.random.uniform(0, 3))
    await scene.crew.add()
    return at_s


async def _freeze_worker(scene: Scene) -> float | None:
    """Stop it for longer than its session lasts: others take its lanes, and it wakes as a zombie."""
    worker, at_s = _some_worker(scene), scene.now_s()
    if worker is None:
        return None
    await _frozen(worker, SESSION_S + scene.random.uniform(0.5, 6))
    return at_s


async def _pause_worker(scene: Scene) -> float | None:
    """Stop it for less than its session lasts."""
    worker = _some_worker(scene)
    if worker is None:
        return None
    await _frozen(worker, scene.random.uniform(0.2, SESSION_S - 3))
    return scene.now_s()


async def _frozen(worker: Worker, seconds: float) -> None:
    worker.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        worker.signal(signal.SIGCONT)
        worker.engaged = False


async def _replace_worker(scene: Scene) -> float | None:
    worker, at_s = _some_worker(scene), scene.now_s()
    if worker is None:
        return None
    await scene.crew.stop(worker)
    await scene.crew.add()
    return at_s


async def _add_worker(scene: Scene) -> float | None:
    if len(scene.crew.workers) >= MOST_WORKERS:
        return None
    await scene.crew.add()
    return scene.now_s()


async def _remove_worker(scene: Scene) -> float | None:
    at_s = scene.now_s()
    if len(scene.crew.workers) <= FEWEST_WORKERS or (worker := _some_worker(scene)) is None:
        return None
    await scene.crew.stop(worker)
    return at_s


async def _turn_clock(scene: Scene) -> float | None:
    """Replace a worker by one whose clock is wrong by hours; it stays until something ends it."""
    worker, at_s = _some_worker(scene), scene.now_s()
    if worker is None:
        return None
    await scene.crew.kill(worker)
    hours = scene.random.choice((-30, -5, -1, 1, 7, 40))
    await scene.crew.add(clock_off_s=hours * HOUR_S + scene.random.randint(-600, 600))
    return at_s


async def _kill_consumer(scene: Scene) -> float:
    await scene.billing.kill()
    return scene.now_s()


async def _crash_kafka(scene: Scene) -> float:
    await scene.servers.crash_kafka(scene.random.choice((0, 0, 1, 4)))
    return scene.now_s()


async def _fail_power_of_valkey(scene: Scene) -> float:
    await scene.servers.fail_power_of_valkey(scene.random.uniform(0.1, 1.0), scene.random.choice((0, 0, 1, 5)))
    return scene.now_s()


async def _fail_over(scene: Scene) -> float:
    await scene.servers.fail_over(scene.random.uniform(0.1, 2.0))
    return scene.now_s()


async def _fill_valkey(scene: Scene) -> float:
    await scene.servers.fill_valkey(scene.random.uniform(0.5, 3))
    return scene.now_s()


def _cut(proxy: Callable[[Servers], Proxy]) -> Act:
    async def act(scene: Scene) -> float:
        proxy(scene.servers).cut()
        return scene.now_s()

    return act


def _slow(proxy: Callable[[Servers], Proxy]) -> Act:
    async def act(scene: Scene) -> float:
        slowed = proxy(scene.servers)
        slowed.delay_s = scene.random.choice((0.02, 0.1, 0.4))
        try:
            await asyncio.sleep(scene.random.uniform(1, 5))
        finally:
            slowed.delay_s = 0.0
        return scene.now_s()

    return act


def _hold(proxy: Callable[[Servers], Proxy], longest_s: float) -> Act:
    async def act(scene: Scene) -> float:
        held = proxy(scene.servers)
        held.hold()
        try:
            await asyncio.sleep(scene.random.uniform(0.3, longest_s))
        finally:
            if scene.random.random() < 0.5:
                held.cut()  # what waits in it never arrives
            held.let_go()
        return scene.now_s()

    return act


def _to_kafka(servers: Servers) -> Proxy:
    return servers.kafka_proxy


def _to_redis(servers: Servers) -> Proxy:
    return servers.redis_proxy


FAULTS: Final = (
    Fault("worker killed", 12, "", _kill_worker),
    Fault("worker frozen beyond its session", 5, "", _freeze_worker),
    Fault("worker paused", 6, "", _pause_worker),
    Fault("worker asked to stop and replaced", 8, "", _replace_worker),
    Fault("worker added", 5, "", _add_worker),
    Fault("worker removed", 5, "", _remove_worker),
    Fault("worker with its clock hours off", 4, "", _turn_clock),
    Fault("consumer killed", 4, "", _kill_consumer),
    Fault("Kafka killed", 4, "kafka", _crash_kafka),
    Fault("Kafka connections cut", 10, "", _cut(_to_kafka)),
    Fault("Kafka slow", 6, "way to kafka", _slow(_to_kafka)),
    Fault("Kafka does not answer", 4, "way to kafka", _hold(_to_kafka, 6)),
    Fault("Valkey killed and its log a second short", 6, "valkey", _fail_power_of_valkey),
    Fault("Valkey fails over to a replica that lags", 3, "valkey", _fail_over),
    Fault("Valkey full", 5, "valkey", _fill_valkey),
    Fault("Valkey connections cut", 10, "", _cut(_to_redis)),
    Fault("Valkey slow", 6, "way to redis", _slow(_to_redis)),
    Fault("Valkey does not answer", 5, "way to redis", _hold(_to_redis, 8)),
)
CLOCK: Final = "worker with its clock hours off"
POLICY: Final = "policy published"
TOPIC: Final = "topic deleted and recreated"
KINDS: Final = (*(fault.kind for fault in FAULTS), POLICY, TOPIC)
