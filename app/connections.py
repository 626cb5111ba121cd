"""What the clients of Kafka and Redis need to know, made from the settings; and the patience that commands have."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from app.settings import Settings, redis_nodes
from streams.errors import Misconfigured, Unavailable

PATIENCE_S = 30.0
RETRY_S = 0.5

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class RedisAddress:
    """Where Redis is; several nodes are a Redis Cluster."""

    nodes: tuple[tuple[str, int], ...]
    database: int
    username: str | None
    password: str | None = field(repr=False)
    tls: bool
    ca: Path | None = None

    @property
    def cluster(self) -> bool:
        return len(self.nodes) > 1


def kafka_options(settings: Settings) -> dict[str, Any]:
    """The keyword arguments with which any aiokafka client reaches Kafka."""
    options: dict[str, Any] = {
        "bootstrap_servers": [address.strip() for address in settings.kafka.split(",")],
        "security_protocol": settings.kafka_security.upper().replace("TLS", "SSL"),
    }
    if settings.kafka_security.endswith("tls"):
        options["ssl_context"] = tls_context(settings.kafka_ca, "REDCAT_KAFKA_CA")
    if settings.kafka_security.startswith("sasl_"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = settings.kafka_sasl_password
    return options


def redis_address(settings: Settings) -> RedisAddress:
    """The parts of the Redis URL."""
    nodes = redis_nodes(settings.redis)
    first = nodes[0]
    return RedisAddress(
        nodes=tuple((node.hostname or "", node.port or 6379) for node in nodes),
        database=int(first.path.strip("/") or 0),
        username=unquote(first.username) if first.username else None,
        password=unquote(first.password) if first.password else None,
        tls=first.scheme == "rediss",
        ca=settings.redis_ca,
    )


async def until_answered(attempt: Callable[[], Awaitable[T]], *, server: str, patience_s: float = PATIENCE_S) -> T:
    """The result of `attempt`, tried again while it raises Unavailable; gives up with it after `patience_s`."""
    reason = "no answer at all"
    try:
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    return await attempt()
                except Unavailable as error:
                    if str(error) != reason:
                        log.warning("no answer yet", extra={"server": server, "reason": str(error)})
                    reason = str(error)
                    await asyncio.sleep(RETRY_S)
    except TimeoutError as error:
        raise Unavailable(f"{server} did not answer for {patience_s:g} s: {reason}") from error


def tls_context(ca: Path | None, setting: str) -> ssl.SSLContext:
    """Trusts what a file's certificates have signed, or what the system trusts; Misconfigured names the setting."""
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"{setting}: no certificates in {ca}: {error}") from error
