"""Dead letters on real servers: seen, repaired and replayed, each at most once whatever happens to the command."""

import asyncio
import json
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, suppress
from itertools import count
from typing import Any

import msgspec
import orjson
import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from app.cli import build
from app.connections import redis_address
from app.counters import Selection as Cells
from app.counters import counters_of, json_of
from app.dead_letters.plan import REPLAY_OF, Plan
from app.dead_letters.reader import kafka_topics, selected
from app.dead_letters.replay import Replayer, replaying
from app.dead_letters.replayed import Note
from app.dead_letters.report import Ready, Report, judged
from app.dead_letters.selection import Selection
from app.kafka_sender import Sending, kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.policies.file import policy_texts, read_policies
from app.reading import reading
from app.redis_store.link import dialler
from app.redis_store.namespace import open_namespace
from app.settings import Settings
from app.simulator.facts import Outgoing
from app.topic_admin import create_topics
from streams.errors import Misconfigured, Refused
from streams.topics import CLICK_OUT, DEAD_LETTER, ORDER, SHOP_ENTRY, physical, replayed_letters
from tests.conftest import Namespace
from tests.integration.kafka import producing
from tests.integration.workers import committed, environment, run, start
from tests.waiting import until

DAY_MS = 86_400_000
NOW_MS = time.time_ns() // 1_000_000
SHOP = {"at_ms": NOW_MS, "platform": "tmall", "merchant_id": "m1"}
LINK = {"note_id": "n1", "note_kind": "ad", "link": "note", "category": "fmcg.skincare"}
CLICK = SHOP | LINK | {"event_id": "c1", "token": "t1"}
ENTRY = SHOP | {"event_id": "e1", "token": "t1"}
PAID = SHOP | {"event_id": "p1", "order_id": "o1", "status": "paid", "amount_minor": 500, "currency": "CNY"}
RECORDS = [
    Outgoing(CLICK_OUT, None, b"t1", orjson.dumps(CLICK), NOW_MS),
    Outgoing(SHOP_ENTRY, None, b"t1", orjson.dumps(ENTRY), NOW_MS),
    Outgoing(SHOP_ENTRY, None, b"wrong", orjson.dumps(ENTRY | {"event_id": "e2"}), NOW_MS - 60_000),
    Outgoing(ORDER, None, b"t1", orjson.dumps(PAID | {"platform": "Tmall shop"}), NOW_MS - 60_000),
    Outgoing(ORDER, None, None, b"\xff{", NOW_MS),
]
FIX = '.token //= "t1" | .platform |= (ascii_downcase | sub(" shop"; ""))'


@pytest_asyncio.fixture
async def settings(kafka_server: KafkaServer, valkey_url: str, namespace: Namespace) -> AsyncIterator[Settings]:
    """A namespace of this test with its topics, in which two partitions are used."""
    made = Settings(
        kafka=kafka_server.address,
        redis=valkey_url,
        topic_prefix=namespace.prefix,
        group=namespace.group,
        partitions=2,
    )
    await create_topics(made)
    yield made


async def dlq(settings: Settings, *arguments: str) -> Result:
    """`redcat dlq ARGUMENTS`, in English; errors are raised."""
    command = ["dlq", *arguments, "--lang", "en"]
    result = await asyncio.to_thread(CliRunner().invoke, build(["dlq"]), command, env=environment(settings))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


async def listed(settings: Settings, *arguments: str) -> list[dict[str, Any]]:
    """The lines of `redcat dlq list --json`."""
    return [json.loads(line) for line in (await dlq(settings, "list", "--json", *arguments)).stdout.splitlines()]


async def post(settings: Settings, letters: Iterable[dict[str, Any]]) -> None:
    """Write letters to the topic of dead letters, as others than a worker would."""
    async with producing(settings.kafka, max_batch_size=100_000, linger_ms=5) as producer:
        sent = []
        for number, said in enumerate(letters):
            token = f"t{number}"
            defaults = {"topic": SHOP_ENTRY, "code": "internal", "at_ms": NOW_MS}
            letter: dict[str, Any] = defaults | said
            headers = [("__dlq.error.code", letter["code"]), ("__dlq.original.topic", letter["topic"])]
            future = await producer.send(
                physical(settings.topic_prefix, DEAD_LETTER),
                orjson.dumps(ENTRY | {"token": token}),
                key=token.encode(),
                partition=number % settings.partitions,
                timestamp_ms=letter["at_ms"],
                headers=[(name, text.encode()) for name, text in headers if text is not None],
            )
            sent.append(future)
        await asyncio.gather(*sent)


async def replays(settings: Settings, topic: str = SHOP_ENTRY) -> Counter[str]:
    """How often each letter's record stands in a topic."""
    headers = [dict(record.headers) for record in await committed(settings, topic)]
    return Counter(said[REPLAY_OF].decode() for said in headers if REPLAY_OF in said)


async def left(replayer: Replayer, settings: Settings) -> list[Ready]:
    """The letters of a run that are not replayed yet, and their records."""
    letters, replayed = replayer.box
    chosen = selected(letters, Selection(), lambda _: None)
    plan = Plan(Selection(), settings.partitions, NOW_MS)
    return [ready async for ready in judged(chosen, plan, replayed, Report())]


async def test_bad_records_are_seen_repaired_replayed_and_counted(settings: Settings) -> None:
    async with kafka_sender(settings, Sending(keep_timestamps=True)) as sender:
        await sender.send(RECORDS)
    assert (await run(settings, "worker", "--drain", "--timeout", "60")).status == 0

    found = {letter["code"]: letter for letter in await listed(settings)}
    assert found.keys() == {"key_mismatch", "missing_field", "not_json"}
    assert (found["not_json"]["value_base64"], found["not_json"]["key"]) == ("/3s=", None)
    assert json.loads(found["missing_field"]["value"]) == PAID | {"platform": "Tmall shop"}
    assert (await dlq(settings, "list", "--counts", "--until", str(NOW_MS))).stdout.split()[-1] == "2"

    tried = await dlq(settings, "replay", "--fix", FIX, "--json")
    assert (tried.exit_code, json.loads(tried.stdout)["replayable"]) == (1, 2)
    assert await replays(settings) == await replays(settings, ORDER) == {}

    done = await dlq(settings, "replay", "--fix", FIX, "--run")
    assert done.exit_code == 1
    assert "2 of 3 letters were replayed; 1 are left alone" in done.stdout
    assert "fix_failed  the record is no JSON" in done.stdout
    again = await dlq(settings, "replay", "--fix", FIX, "--run", "--code", "missing_field", "--code", "key_mismatch")
    assert (again.exit_code, again.stdout) == (0, "0 of 2 letters were replayed; 2 were replayed before\n")
    assert [letter["code"] for letter in await listed(settings, "--left")] == ["not_json"]

    assert (await run(settings, "worker", "--drain", "--timeout", "60")).status == 0
    async with reading(settings) as reader:
        notes = json_of({note_id: counters_of(cells, Cells()) async for note_id, cells in reader.notes()})
        ledger = await reader.ledger()
    assert notes["notes"]["n1"] == {
        "clicks": 1,
        "clicks_entered": 1,
        "clicks_ordered": 1,
        "entries": 2,
        "orders": 1,
        "gross_minor": {"CNY": 500},
    }
    order_lines = {line: count for line, count in ledger.items() if line.startswith("order:")}
    assert order_lines == {
        "order:consumed": 3,
        "order:distinct": 1,
        "order:invalid/missing_field": 1,
        "order:invalid/not_json": 1,
    }
    (order,) = [record for record in await committed(settings, ORDER) if record.headers]
    assert (order.timestamp, order.key) == (NOW_MS - 60_000, b"t1")


async def test_a_replay_that_is_killed_and_run_again_replays_each_letter_once(settings: Settings) -> None:
    await post(settings, ({} for _ in range(4_000)))
    killed = await start(settings, "dlq", "replay", "--run", "--force")
    async with kafka_topics(settings) as topics:
        await until(lambda: topics.contents(replayed_letters(settings.group)), lambda held: held.total)
    killed.send_signal(signal.SIGKILL)
    await killed.communicate()

    again = await dlq(settings, "replay", "--run", "--force")

    told = re.search(r"([\d,]+) of 4,000 letters were replayed; ([\d,]+) were replayed before", again.stdout)
    now, before = (int(count.replace(",", "")) for count in told.groups()) if told else (0, 0)
    assert (killed.returncode, again.exit_code, now + before) == (-signal.SIGKILL, 0, 4_000)
    assert 0 < before < 4_000
    assert await replays(settings) == {f"{partition}:{at}": 1 for partition in (0, 1) for at in range(2_000)}


async def test_a_replay_may_stop_at_any_moment_of_a_transaction(settings: Settings) -> None:
    await post(settings, ({} for _ in range(40)))
    async with kafka_topics(settings) as topics, AsyncExitStack() as killed:
        for number in count():
            async with AsyncExitStack() as one:
                replayer = await one.enter_async_context(replaying(topics))
                rest = await left(replayer, settings)
                if not rest:
                    break
                with suppress(TimeoutError):
                    async with asyncio.timeout(number % 16 * 0.002):
                        await replayer.replay(rest[:3])
                if number % 2:  # nobody ends its transaction before the next run does
                    killed.push_async_callback(one.pop_all().aclose)

    assert number > 14
    assert await replays(settings) == {f"{partition}:{at}": 1 for partition in (0, 1) for at in range(20)}


async def test_a_replay_that_was_overtaken_by_another_can_do_nothing_more(settings: Settings) -> None:
    await post(settings, ({} for _ in range(6)))
    async with kafka_topics(settings) as topics, replaying(topics) as first:
        ready = await left(first, settings)
        await first.replay(ready[:2])
        second = await dlq(settings, "replay", "--run", "--force")
        with pytest.raises(Refused, match=r"another `redcat dlq replay` goes on .* this one replayed 2 letters"):
            await first.replay(ready[2:])

    assert second.stdout.endswith("4 of 6 letters were replayed; 2 were replayed before\n")
    assert await replays(settings) == {one.letter.name: 1 for one in ready}


async def test_what_is_older_than_journeys_are_kept_is_replayed_with_force_only(settings: Settings) -> None:
    await post(settings, [{}, {"at_ms": NOW_MS - 17 * DAY_MS}, {"topic": None, "code": None}, {"topic": "policy"}])
    with pytest.raises(Misconfigured, match=r"no worker of REDCAT_GROUP=.* has run"):
        await dlq(settings, "replay")
    policies = policy_texts(read_policies(None))
    await open_namespace(dialler(redis_address(settings)), settings.group, partitions=2, shards=1, policies=policies)

    careful = await dlq(settings, "replay", "--run", "--json")
    forced = await dlq(settings, "replay", "--run", "--json", "--force", "--topic", SHOP_ENTRY)

    said = json.loads(careful.stdout)
    assert (careful.exit_code, said["replayed"], said["left_alone"]) == (1, 1, {"no_topic": 2, "too_old": 1})
    assert "journeys are kept for 16 days; --force" in careful.stdout
    assert (forced.exit_code, json.loads(forced.stdout)["replayed"]) == (0, 1)
    assert await replays(settings) == {"0:0": 1, "1:0": 1}
    unknown = {"topics": {"policy": {"internal": 1}, "shop-entry": {"internal": 2}, "unknown": {"unknown": 1}}}
    counts = json.loads((await dlq(settings, "list", "--counts", "--json")).stdout)
    assert counts == {"letters": 4, "replayed": 2} | unknown


async def test_without_letters_that_fit_the_commands_say_so(settings: Settings) -> None:
    async with producing(settings.kafka, transactional_id=settings.group) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(physical(settings.topic_prefix, DEAD_LETTER), b"never committed", partition=0)
        await producer.abort_transaction()

    for command in (["list"], ["list", "--json"], ["replay", "--force"], ["replay", "--force", "--run"]):
        found = await dlq(settings, *command)
        assert (found.exit_code, found.stdout, found.stderr) == (0, "", "there are no dead letters\n")
    found = await dlq(settings, "replay", "--force", "--code", "internal", "--run")
    assert (found.exit_code, found.stdout, found.stderr) == (0, "", "no dead letter fits the selection\n")


async def test_letters_are_shown_by_the_time_of_their_records(settings: Settings) -> None:
    await post(settings, ({"at_ms": NOW_MS + at} for at in (3, 1, 4, 1, 5)))

    latest = await listed(settings, "--limit", "2")
    since = await listed(settings, "--since", str(NOW_MS + 3))

    assert [letter["timestamp_ms"] - NOW_MS for letter in latest] == [4, 5]
    assert [letter["timestamp_ms"] - NOW_MS for letter in since] == [3, 4, 5]
    assert (await dlq(settings, "list", "--limit", "1")).stdout.count("  t4\n") == 0


async def test_what_does_not_fit_together_is_refused(settings: Settings) -> None:
    async with producing(settings.kafka) as producer:
        note = msgspec.json.encode(Note(1, [(0, 5)]))
        await producer.send_and_wait(physical(settings.topic_prefix, replayed_letters(settings.group)), note, b"1:0")

    with pytest.raises(Misconfigured, match="ends at offset 0, but letters up to 5 were replayed: it was made anew"):
        await dlq(settings, "list")
    elsewhere = Settings(kafka=settings.kafka, topic_prefix="none.")
    with pytest.raises(Misconfigured, match=r"no topic none\.click-out, .* run `redcat topics create`"):
        await dlq(elsewhere, "replay", "--run")
