"""Workers, servers and traffic in one simulated world, with everything that can go wrong in it."""

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from streams.core.policy import Policy, parse_policy
from streams.core.results import Result
from streams.topics import LANE_TOPICS
from tests.generators.policies import DEFAULT_POLICY, Document
from tests.generators.records import Written
from tests.oracle.placement import partition_of
from tests.simulation.chance import Chance
from tests.simulation.feed import Kinds
from tests.simulation.kafka import Content, Stored
from tests.simulation.process import Call, Fault, Life, task_factory
from tests.simulation.publisher import RESULTS, transactional_id
from tests.simulation.servers import KAFKA, PRODUCERS, START_MS, STORE
from tests.simulation.standing import Standing
from tests.simulation.worker import Worker

SESSION_S = 8.0
FOR_GOOD = Fault("stop", math.inf)
STILL_S = 2.0


class Usurper(NamedTuple):
    """A worker that wakes when its lanes are another one's, takes them and publishes; then that is undone."""

    name: str
    stands_s: float  # how long what it did stands
    alone: bool  # the others stand still for STILL_S when it takes the lanes


class World(Standing):
    """Where a run happens."""

    def __init__(
        self,
        *,
        partitions: int = 1,
        chance: Chance,
        policies: Sequence[Document] = (DEFAULT_POLICY,),
        kinds: Kinds = LANE_TOPICS,
    ) -> None:
        super().__init__(partitions, chance, policies, kinds)
        asyncio.get_running_loop().set_task_factory(task_factory)  # type: ignore[arg-type]  # it takes what create_task passes
        self._policies: dict[int, Policy] = {}  # by the document's identity
        self._usurper: Usurper | None = None
        self._before_usurper = 0
        self._return: tuple[int, int, float] | None = None  # after so many transactions, to which state, how late
        self.produced: set[tuple[str, int, int]] = set()  # what producers sent, as against workers
        self.lost: dict[tuple[str, int], list[list[Stored]]] = {}  # what partitions held before they lost some of it
        self._inflict: dict[str, Callable[[Worker, Fault], object]] = {
            "crash": self.crash,
            "pause": self.pause,
            "expire": lambda worker, _: self.group.expire(worker.name),
            "swap": lambda *_: self.group.swap(),
            "leave": self.replace,
            "join": lambda *_: self.start_worker(),
            "roll back": lambda _, fault: self.roll_back(self.saved[-1 - fault.choice % len(self.saved)]),
            "forth": lambda _, fault: self.roll_back(self.saved[max(0, self.left_at - fault.choice % 4)]),
            "revive": self.revive,
            "oversleep": self.oversleep,
            "usurp": self.usurp,
            "branch": lambda _, fault: self.branch(fault),
            "empty": lambda *_: self.roll_back(self.saved[0]),
            "results stall": lambda _, fault: self.leave_for(PRODUCERS, fault.seconds),
            "store away": lambda _, fault: self.leave_for(STORE, fault.seconds),
            "kafka away": lambda _, fault: self.leave_for(KAFKA, fault.seconds),
            "poison": self.poison,
            "fence": self.fence,
            "cut off": lambda _, fault: self.cut_off(fault),
            "recreate": lambda _, fault: self.recreate(fault),
        }

    # -- workers

    def start_worker(self, policies: Sequence[Document] | None = None) -> Worker:
        """One more worker; they are named A, B and so on."""
        name = chr(ord("A") + len(self.workers))
        self.note(f"{name} starts")
        known = [self._parsed(document) for document in policies or self.policies]
        self.workers[name] = Worker(name, self, known, self.kinds)
        return self.workers[name]

    def crash(self, worker: Worker, fault: Fault = FOR_GOOD) -> None:
        """Kill a worker; the group notices after a while, and another one may be started."""
        self.note(f"{worker.name} dies")
        worker.process.kill()
        self._loop.call_later(SESSION_S, self.group.expire, worker.name)
        if fault.seconds < math.inf:
            self._loop.call_later(fault.seconds, self.start_worker)

    def pause(self, worker: Worker, fault: Fault = FOR_GOOD) -> None:
        """Stop a worker for a while, or until it is woken; the group drops it meanwhile."""
        self.note(f"{worker.name} is paused for {fault.seconds} s")
        worker.process.pause()
        self._loop.call_later(SESSION_S, self._drop_if_paused, worker)
        if fault.seconds < math.inf:
            self._loop.call_later(fault.seconds, self.wake, worker)

    def revive(self, worker: Worker, fault: Fault) -> None:
        """Stop a worker, and when it wakes let the store be as it was when it stopped, or a little later."""
        then = len(self.saved) - 1
        self.pause(worker, fault)
        self.group.expire(worker.name)
        later_s = fault.seconds + (0.0, 0.002, 0.005, 0.05)[fault.choice % 4]
        self._loop.call_later(
            later_s, lambda: self.roll_back(self.saved[min(then + fault.choice // 4, len(self.saved) - 1)])
        )

    def branch(self, fault: Fault) -> None:
        """Roll the store back, and soon after something of the new history was published let it be as it was."""
        self._return = 1 + fault.choice % 2, len(self.saved) - 1 - fault.choice % 3, fault.seconds
        self.roll_back(self.saved[max(0, len(self.saved) - 2 - fault.choice)])

    def oversleep(self, worker: Worker, fault: Fault) -> None:
        """Stop a worker for a while, and let the group drop it at once."""
        self.pause(worker, fault)
        self.group.expire(worker.name)

    def usurp(self, worker: Worker, fault: Fault) -> None:
        """Let a worker sleep until its lanes are another one's, and when it then has published let that be undone.

        At an acquire this makes an owner whose time has passed, and in the end another one that never noticed it;
        in some runs the other one stands still meanwhile, with what it had in hand.
        """
        self.oversleep(worker, fault)
        self._usurper = Usurper(worker.name, (0.0, 0.0, 0.002, 0.02)[fault.choice % 4], alone=fault.choice % 3 == 0)

    def _undo_usurper(self, usurper: Usurper, call: Call) -> None:
        if call == (usurper.name, "store.acquire"):
            self._before_usurper = len(self.saved) - 2
            if usurper.alone:
                self._stand_still(but=usurper.name)
        elif call == (usurper.name, "producer.commit"):
            self._usurper, then = None, self._before_usurper
            self._loop.call_later(usurper.stands_s, lambda: self.roll_back(self.saved[max(0, then)]))

    def _stand_still(self, but: str) -> None:
        for worker in self.workers.values():
            if worker.name != but and worker.process.life is Life.RUNNING:
                worker.process.pause()
                self._loop.call_later(STILL_S, worker.process.wake)

    def done(self, call: Call) -> None:
        if self._usurper is not None:
            self._undo_usurper(self._usurper, call)
        fault = self.chance.strike_after(call)
        if fault is not None:
            self._do(fault, call, "after")
        if call.name == "producer.commit" and self._return is not None:
            commits, then, seconds = self._return
            self._return = (commits - 1, then, seconds) if commits > 1 else None
            if self._return is None:
                self._loop.call_later(seconds, lambda: self.roll_back(self.saved[max(0, then)]))

    def wake(self, worker: Worker) -> None:
        """Let a paused worker go on."""
        self.note(f"{worker.name} wakes")
        worker.process.wake()

    def replace(self, worker: Worker, fault: Fault) -> None:
        """Stop a worker as on SIGTERM, and start another one later."""
        self.note(f"{worker.name} is told to stop")
        worker.stop()
        self._loop.call_later(fault.seconds, self.start_worker)

    def release(self, kinds: Kinds) -> None:
        """Replace the workers one after the other by some that know these kinds of lanes."""
        self.kinds = kinds
        present = [worker for worker in self.workers.values() if worker.process.life is not Life.DEAD]
        for number, worker in enumerate(present):
            self._loop.call_later(number, self.replace, worker, Fault("release", 0.5))

    def poison(self, worker: Worker, fault: Fault) -> None:
        """Let the core of one worker or of all fail for some clicks for a while."""
        categories = {"fmcg.skincare"}
        workers = [worker] if fault.choice else list(self.workers.values())
        for one in workers:
            one.poison |= categories
            self._loop.call_later(fault.seconds, one.poison.difference_update, categories)

    def fence(self, _: Worker, fault: Fault) -> None:
        """Let somebody else open a producer with a lane's transactional id, and do nothing with it."""
        self.kafka.init(transactional_id(fault.choice % len(self.lanes())))

    def _drop_if_paused(self, worker: Worker) -> None:
        if worker.process.life is Life.PAUSED:
            self.group.expire(worker.name)

    # -- topics

    def cut_off(self, fault: Fault) -> None:
        """Let Kafka lose the last records of an input topic, as after an election of a leader that lagged behind.

        Nothing that a worker forwarded is lost: that such a record was told and is gone nobody could mend.
        """
        topic, partition = self._some_topic(fault.choice)
        log = self.kafka.logs[topic, partition]
        sent = {offset for of, number, offset in self.produced if (of, number) == (topic, partition)}
        kept = max((record.offset + 1 for record in log.committed(0) if record.offset not in sent), default=0)
        self._lose(topic, partition, max(kept, log.end - 1 - fault.choice // 4 % 4))

    def recreate(self, fault: Fault) -> None:
        """Let somebody delete an input topic and make it again."""
        topic, partition = self._some_topic(fault.choice)
        self._lose(topic, partition, 0)

    def _lose(self, topic: str, partition: int, end: int) -> None:
        log = self.kafka.logs[topic, partition]
        if not log.start <= end < log.end:
            return
        self.note(f"LOST {topic} {partition} from {end} to {log.end}")
        kind = next(kind for kind, topics in enumerate(self.kinds) if topic in topics)
        self.damaged.add(kind * self.partitions + partition)
        self.lost.setdefault((topic, partition), []).append(list(log.committed(0)))
        self.produced -= {(topic, partition, offset) for offset in range(end, log.end)}
        self.kafka.truncate(topic, partition, end)
        for worker in self.workers.values():
            worker.feed.look_at_once()

    def _some_topic(self, choice: int) -> tuple[str, int]:
        topics = [topic for topics in self.kinds for topic in topics]
        return topics[choice % len(topics)], choice // len(topics) % self.partitions

    # -- policies

    def publish(self, document: Document, learnt_s: Callable[[], float] = lambda: 0.5) -> None:
        """Put a policy into force; every worker hears of it after a while of its own."""
        self.note(f"policy {document['version']} is published")
        self.policies = [*self.policies, document]
        policy = self._parsed(document)
        for worker in self.workers.values():
            self._loop.call_later(learnt_s(), worker.policies.add, [policy])

    def _parsed(self, document: Document) -> Policy:
        """The policy of a document, parsed once for all workers."""
        known = self._policies.get(id(document))
        if known is None:
            known = self._policies[id(document)] = parse_policy(document)
        return known

    # -- faults

    def strike(self, call: Call) -> Fault | None:
        fault = self.chance.strike(call)
        if fault is not None:
            self._do(fault, call, "at")
        return fault

    def _do(self, fault: Fault, call: Call, moment: str) -> None:
        self.note(f"FAULT {fault} {moment} {call.name} of {call.worker}")
        if fault.what in self._inflict:
            self._inflict[fault.what](self.workers[call.worker], fault)

    def sent(self, call: Call, fault: Fault) -> None:
        worker = self.workers[call.worker]
        if fault.what == "crash after":
            self.crash(worker, fault)
        elif fault.what == "pause after":
            self.pause(worker, fault)

    def leave_for(self, server: str, seconds: float) -> None:
        super().leave_for(server, seconds)
        self._loop.call_later(seconds + 0.001, self._look_again)

    def _look_again(self) -> None:
        for worker in self.workers.values():
            worker.feed.look()

    @property
    def may_fork(self) -> bool:
        """Whether the faults so far may have made two histories: two rollbacks, or one and a writer that came late."""
        late = any("paused" in text or "'late'" in text or "lost'" in text for _, text in self.log)
        return self.rollbacks > 1 or (self.rollbacks == 1 and late)

    @property
    def may_tell_again(self) -> bool:
        """Whether a restatement may have been rolled back: then nobody knows how much of it readers have seen."""
        return self.rollbacks > 0 and any("is published" in text for _, text in self.log)

    # -- traffic

    def send(self, *records: Written, partition: int | None = None) -> None:
        """Produce records without a transaction, each to its key's partition or all to one."""
        for record in records:
            place = partition_of(record.key, self.partitions) if partition is None else partition
            self.put(record.topic, place, record.key, record.value)

    def put(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        """Produce one record."""
        (offset,) = self.kafka.append(topic, partition, [Content(START_MS, key, value)])
        self.produced.add((topic, partition, offset))

    def results(self) -> list[Result]:
        """What a reader with read_committed sees of the results, in its order."""
        logs = (self.kafka.logs[RESULTS, number] for number in range(self.partitions))
        records = (record for log in logs for record in log.committed(0))
        return [msgspec.json.decode(record.value or b"", type=Result) for record in records]
