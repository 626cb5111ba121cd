"""Workers, servers and traffic in one simulated world, with everything that can go wrong in it."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from streams.core.results import Result
from streams.topics import LANE_TOPICS
from tests.generators.policies import DEFAULT_POLICY, Document
from tests.generators.records import Written
from tests.oracle.placement import partition_of
from tests.simulation.chance import Chance
from tests.simulation.feed import Kinds
from tests.simulation.kafka import Content, Stored
from tests.simulation.plots import Forking, Outlasting, Plot, Returning, Usurping
from tests.simulation.process import Call, Fault, task_factory
from tests.simulation.publisher import RESULTS, transactional_id
from tests.simulation.servers import KAFKA, PRODUCERS, START_MS, STORE
from tests.simulation.worker import Worker
from tests.simulation.workforce import Workforce


class World(Workforce):
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
        self._plots: list[Plot] = []
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
            "outlast": lambda _, fault: self.outlast(fault),
            "fork": lambda _, fault: self.fork(fault),
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

    # -- what takes long

    def branch(self, fault: Fault) -> None:
        """Roll the store back, and soon after something of the new history was published let it be as it was."""
        then = len(self.saved) - 1 - fault.choice % 3
        self._plots.append(Returning(self, transactions=1 + fault.choice % 2, then=then, late_s=fault.seconds))
        self.roll_back(self.saved[max(0, len(self.saved) - 2 - fault.choice)])

    def usurp(self, worker: Worker, fault: Fault) -> None:
        """Let a worker sleep until its lanes are another one's, and when it then has published let that be undone.

        At an acquire this makes an owner whose time has passed, and in the end another one that never noticed it;
        in some runs the other one stands still meanwhile, with what it had in hand.
        """
        self.oversleep(worker, fault)
        stands_s = (0.0, 0.0, 0.002, 0.02)[fault.choice % 4]
        self._plots.append(Usurping(self, worker.name, stands_s=stands_s, alone=fault.choice % 3 == 0))

    def outlast(self, fault: Fault) -> None:
        """Let a take-over be slept through; see Outlasting."""
        transactions, commits = 1 + fault.choice % 2, 1 + fault.choice // 2 % 3
        dies = fault.choice % 4 > 0
        self._plots.append(
            Outlasting(self, transactions=transactions, commits=commits, late_s=fault.seconds, dies=dies)
        )

    def fork(self, fault: Fault) -> None:
        """Let there be two histories; see Forking."""
        commits, back = 1 + fault.choice % 3, fault.choice // 3 % 5
        self._plots.append(Forking(self, commits=commits, back=back, late_s=fault.seconds, steps=2 + fault.choice % 7))

    def done(self, call: Call) -> None:
        self._plots = [plot for plot in self._plots if not plot.done(call)]
        fault = self.chance.strike_after(call)
        if fault is not None:
            self._do(fault, call, "after")

    def fence(self, _: Worker, fault: Fault) -> None:
        """Let somebody else open a producer with a lane's transactional id, and do nothing with it."""
        self.kafka.init(transactional_id(fault.choice % len(self.lanes())))

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

    # -- faults

    def strike(self, call: Call) -> Fault | None:
        fault = self.chance.strike(call)
        for plot in self._plots:
            fault = fault or plot.strike(call)
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
