"""The faults that come at planned moments of a run: policies that are published, and a topic that is deleted."""

import asyncio
from pathlib import Path
from typing import Final

from app.draining import drained
from app.topic_admin import create_topics
from streams.errors import Unavailable
from streams.topics import NOTE_METRIC, SHOP_ACTION, SHOP_ENTRY, physical
from tests.chaos.crew import Worker, is_stop
from tests.chaos.faults import Scene
from tests.chaos.topic_backup import TopicBackup
from tests.chaos.traffic import Traffic, policy_file
from tests.integration.workers import run

AGAIN_S: Final = 0.5
POLL_S: Final = 0.1
PUBLISHED_S: Final = 120.0
DRAINED_S: Final = 900.0
STOPPED_S: Final = 60.0
LOSABLE: Final = (SHOP_ENTRY, SHOP_ACTION, NOTE_METRIC)


async def publish_policy(scene: Scene, traffic: Traffic, number: int, folder: Path) -> float:
    """Publish the next policy, trying again for as long as the servers are away."""
    path = policy_file(folder / "policies.yaml", traffic.policies[: number + 1])
    give_up_s = scene.now_s() + PUBLISHED_S
    while (ended := await run(scene.servers.proxied, "policy", "publish", str(path), "--restate")).status:
        if scene.now_s() > give_up_s:
            raise Unavailable(f"a policy could not be published for {PUBLISHED_S:.0f} s: {ended.said}")
        await asyncio.sleep(AGAIN_S)
    return scene.now_s()


async def lose_topic(scene: Scene, traffic: Traffic) -> float:
    """Delete a topic and make it again; the workers must stop there, and go on once a person has put it back.

    Nothing else may happen meanwhile.  Raises Unavailable if they do not stop.
    """
    direct = scene.servers.direct
    topic = physical(direct.topic_prefix, scene.random.choice(LOSABLE))
    await traffic.pause()
    try:
        async with asyncio.timeout(DRAINED_S):
            for _ in range(2):  # what the workers themselves forward is input, too
                await drained(direct)
    except TimeoutError as error:
        raise Unavailable(f"the lanes did not come to the end of their topics within {DRAINED_S:.0f} s") from error
    backup = TopicBackup(direct, topic)
    places = await backup.take()
    await backup.delete()
    await create_topics(direct)
    await _until_stopped(scene.crew.workers, places)
    await backup.restore()
    # They would look again by themselves, within half a minute.
    old = list(scene.crew.workers)
    for _ in old:
        await scene.crew.add()
    await asyncio.gather(*(scene.crew.stop(worker) for worker in old))
    traffic.resume()
    return scene.now_s()


async def _until_stopped(workers: list[Worker], places: set[str]) -> None:
    """Return when of each place (TOPIC-PARTITION) a worker has said that it stands still, and what a person can do."""
    waiting = set(places)
    try:
        async with asyncio.timeout(STOPPED_S):
            while waiting:
                lines = [line for worker in workers for line in worker.said() if is_stop(line)]
                waiting -= {place for place in waiting for line in lines if _tells(str(line.get("error")), place)}
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        where = ", ".join(sorted(waiting))
        raise Unavailable(
            f"{STOPPED_S:.0f} s after topics were deleted and made again, no lane stopped at {where}"
        ) from error


def _tells(text: str, place: str) -> bool:
    return text.startswith(f"{place}:") and "Restore the topic, or rebuild the namespace" in text
