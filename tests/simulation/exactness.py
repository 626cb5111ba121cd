"""Whether a world at rest shows exactly what the independent batch evaluation says."""

from collections import Counter
from collections.abc import Collection, Iterator

import msgspec

from streams.core.results import Result
from streams.owner import last_records
from streams.parking import PARK_CODES, full_name
from streams.records import Batch, LastRecord, Message
from streams.topics import DEAD_LETTER, partition_of_lane
from tests.comparison import assert_agrees, assert_counts_agree
from tests.oracle.evaluation import Evaluation, evaluate
from tests.oracle.intake import Invalid, Record, canonical, read
from tests.oracle.ledger import DeadLetter
from tests.oracle.placement import is_misplaced, partition_of
from tests.pure_worker import Sums
from tests.simulation.kafka import Stored
from tests.simulation.world import World

NO_LIMIT = 10**9


def assert_exact(world: World) -> None:
    """Counters, ledger, results, dead letters and forwarded records are exact, each thing told once.

    A lane that has stopped, because Kafka lost records, must have counted exactly those up to where it stands; what
    it has told is then not looked at further.
    """
    assert not world.robbed, world.robbed
    results = world.results()
    _assert_revisions_grow(results)
    if not (world.may_fork or world.may_tell_again):
        _assert_each_result_is_a_change(results)
    stopped = world.stopped()
    if not stopped:
        _assert_forwarded_once(world)
    worker = Sums()
    held = world.store.snapshot()
    worker.cells.update(held.counters)
    worker.ledger.update(world.store.ledger())
    worker.published = results
    if stopped:
        if all(_has_all_policies(world, lane) for lane in stopped):
            assert_counts_agree(worker, _truth(world, stopped))
        return
    worker.messages = _letters(world)
    assert_agrees(worker, _truth(world))


def _assert_revisions_grow(results: list[Result]) -> None:
    latest: dict[tuple[str, str], int] = {}
    for result in results:
        identity = result.token, result.result_id
        assert result.revision > latest.get(identity, 0), f"{identity}: {latest[identity]}, then {result.revision}"
        latest[identity] = result.revision


def _assert_each_result_is_a_change(results: list[Result]) -> None:
    latest: dict[tuple[str, str], Result] = {}
    for result in results:
        identity = result.token, result.result_id
        known = latest.get(identity)
        assert known is None or msgspec.structs.replace(known, revision=result.revision) != result, f"again: {result}"
        latest[identity] = result


def _assert_forwarded_once(world: World) -> None:
    wanted, found = Counter[tuple[object, ...]](), Counter[tuple[object, ...]]()
    for record in _input(world):
        if (record.topic, record.partition, record.offset) not in world.produced:
            found[record.topic, record.partition, record.key, record.value] += 1
        if is_misplaced(record, world.partitions) and not isinstance(read(record), Invalid):
            right = partition_of(record.key or b"", world.partitions)
            wanted[record.topic, right, record.key, record.value] += 1
    assert found == wanted, "forwarded records"


def _input(world: World) -> Iterator[Record]:
    """All records of the input topics, those that workers forwarded included."""
    for lane in world.lanes():
        kind, partition = divmod(lane, world.partitions)
        for topic in world.kinds[kind]:
            for record in world.kafka.logs[topic, partition].committed(0):
                yield Record(topic, partition, record.offset, record.key, record.value)


def _absorbed(world: World, stopped: Collection[int]) -> Iterator[Record]:
    """Of a lane that has stopped what it had absorbed, also what Kafka has lost since; of the others all there is."""
    for record in _input(world):
        if _lane(world, record.topic, record.partition) not in stopped:
            yield record
    states = world.states()
    for lane in stopped:
        kind, partition = divmod(lane, world.partitions)
        for topic in world.kinds[kind]:
            end, last = states[lane].positions.get(topic, 0), states[lane].last_records.get(topic)
            for held in _history(world, topic, partition, last):
                if held.offset < end:
                    yield Record(topic, partition, held.offset, held.key, held.value)


def _has_all_policies(world: World, lane: int) -> bool:
    """Whether all policies there are have entered; a lane that has stopped may not know the last."""
    state = world.states()[lane]
    versions = {document["version"] for document in world.policies}
    without_policies = lane >= world.partitions or not state.positions
    return without_policies or (not state.restating and versions <= set(state.policies))


def _history(world: World, topic: str, partition: int, last: LastRecord | None) -> list[Stored]:
    """What the partition held when a lane read its last record from it."""
    if last is None:
        return []
    now = list(world.kafka.logs[topic, partition].committed(0))
    histories = [*world.lost.get((topic, partition), []), now]
    for held in histories:
        known = [record for record in held if record.offset == last.offset]
        if last_records(Batch(0, 0, {}, {}, {topic: known})).get(topic) == last:
            return held
    raise AssertionError(f"{topic} {partition} never held {last}")


def _lane(world: World, topic: str, partition: int) -> int:
    kind = next(kind for kind, topics in enumerate(world.kinds) if topic in topics)
    return kind * world.partitions + partition


def _letters(world: World) -> list[Message]:
    """The dead letters.  After a fork there may be one of a record that was parked in a history that was given up."""
    parked = _parked(world)
    letters, seen = [], Counter[tuple[str, ...]]()
    for number in range(world.partitions):
        for record in world.kafka.logs[DEAD_LETTER, number].committed(0):
            headers = dict(record.headers)
            topic, offset = headers["__dlq.original.topic"].decode(), headers["__dlq.original.offset"].decode()
            seen[topic, str(number), offset] += 1
            if headers["__dlq.error.code"].decode() in PARK_CODES and (topic, number, int(offset)) not in parked:
                assert world.may_fork, f"a dead letter of a record that counts: {topic} {number} {offset}"
                continue
            letters.append(
                Message(DEAD_LETTER, number, record.timestamp, record.key, record.value, list(record.headers))
            )
    assert max(seen.values(), default=1) == 1, seen
    return letters


def _parked(world: World) -> dict[tuple[str, int, int], str]:
    """The records that the core did not take, and their codes."""
    parked: dict[tuple[str, int, int], str] = {}
    for lane, state in enumerate(world.states()):
        partition = partition_of_lane(lane, world.partitions)
        for name, spans in state.parked.items():
            topic, code, *full = name.split(":")
            offsets = (offset for first, end in spans for offset in range(first, end))
            for offset in _new_to_full(world, topic, partition, name) if full else offsets:
                parked[topic, partition, offset] = code
    return parked


def _new_to_full(world: World, topic: str, partition: int, name: str) -> Iterator[int]:
    """The records that brought something new to a journey that was full."""
    states = world.states()
    (first,) = (state.parked[name][0][0] for state in states if name in state.parked)
    held = set[bytes]()
    for record in world.kafka.logs[topic, partition].committed(0):
        said = read(Record(topic, partition, record.offset, record.key, record.value))
        if isinstance(said, Invalid) or full_name(topic, record.key) != name:
            continue
        if record.offset < first:
            held.add(canonical(said))
        elif canonical(said) not in held:
            yield record.offset


def _truth(world: World, stopped: Collection[int] = ()) -> Evaluation:
    """The batch evaluation of everything but what was parked, which is then counted as such."""
    parked = _parked(world)
    records = [
        record for record in _absorbed(world, stopped) if (record.topic, record.partition, record.offset) not in parked
    ]
    truth = evaluate(records, world.policies, partitions=world.partitions, longest_journey=NO_LIMIT)
    for (topic, partition, offset), code in parked.items():
        account = truth.ledger["topics"][topic]
        account["consumed"] += 1
        account["invalid"][code] = account["invalid"].get(code, 0) + 1
        truth.dead_letters.append(DeadLetter(topic, partition, offset, code))
    return truth
