"""Workers on a real Redis Cluster: exact while slots move and nodes die."""

from pathlib import Path

from app.local_stack.kafka_server import KafkaServer
from app.settings import Settings
from app.topic_admin import create_topics
from tests.conftest import Namespace
from tests.integration.cluster_faults import exact_through_faults
from tests.valkey_cluster import valkey_cluster


async def test_a_run_is_exact_while_slots_of_a_cluster_move_and_a_node_is_killed(
    kafka_server: KafkaServer, namespace: Namespace, tmp_path: Path
) -> None:
    async with valkey_cluster(tmp_path, replicas=True) as cluster:
        settings = Settings(
            kafka=kafka_server.address, redis=cluster.urls, topic_prefix=namespace.prefix, group=namespace.group,
            shards=4,
        )  # fmt: skip
        await create_topics(settings)
        done = await exact_through_faults(settings, cluster, seed=7, events=20_000, rate=2_000, rounds=1, workers=1)
    assert done == {"slot moved key by key": 1, "slot moved at once": 1, "primary killed": 1}
