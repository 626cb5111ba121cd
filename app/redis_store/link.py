"""One connection to Redis that hands out all replies of a request together.

redis-py takes 7 us to read a reply, and a commit has a thousand of them; here it is 0.3 us.  A link that broke stays
broken: whoever held a lane through it must acquire the lane anew.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Iterable
from typing import Any, Final, Protocol, TypeAlias, cast

import hiredis

from app.connections import RedisAddress, tls_context
from app.redis_store.cluster import NODES, ClusterDial, Node, holds_all
from app.redis_store.resp import Request, command
from streams.errors import LaneStopped, Misconfigured, RedcatError, Refused, Unavailable

TIMEOUT_S: Final = 5.0

Reply: TypeAlias = Any
"""bytes, int, None, a list of replies, or a hiredis.ReplyError."""

Waiting: TypeAlias = tuple[int, asyncio.Future[list[Reply]] | None]


class Link(asyncio.Protocol):
    """A connection; any number of requests may be on their way."""

    def __init__(self, name: str, timeout_s: float) -> None:
        self.name = name
        self.slot: int | None = None  # of its keys, if the server is part of a cluster
        self.has_msetex = False
        self.lost: str | None = None
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[Waiting] = deque()
        self._replies: list[Reply] = []
        self._transport: asyncio.Transport | None = None

    async def ask(self, *commands: bytes) -> list[Reply]:
        """Send commands and return their replies; raises Unavailable when they do not come."""
        return await self.request(Request([b"".join(commands)], len(commands)))

    async def request(self, request: Request) -> list[Reply]:
        """As `ask`."""
        answer: asyncio.Future[list[Reply]] = self._loop.create_future()
        self._send(request.parts, (request.replies, answer))
        late = self._loop.call_later(self._timeout_s, self._too_late, answer)
        try:
            return await answer
        finally:
            late.cancel()

    async def scan(self, cursor: bytes | int, prefix: bytes, count: int) -> tuple[bytes, list[bytes]]:
        """A page of the keys that begin with `prefix`, and where to go on.

        Raises Unavailable also when some keys of a cluster's slot may be elsewhere, which a scan alone would not tell.
        """
        request = command("SCAN", cursor, "MATCH", prefix + b"*", "COUNT", count)
        reply, *nodes = await self.ask(request, *([] if self.slot is None else [NODES]))
        if self.slot is not None and not holds_all(nodes[0], self.slot):
            raise Unavailable(f"{self.name} does not hold all of slot {self.slot}: it was moved, or is being moved")
        following, keys = require(reply, prefix)
        return following, keys

    def tell(self, command: bytes) -> None:
        """Send a command whose reply does not matter."""
        if self.lost is None:
            self._send([command], (1, None))

    def close(self) -> None:
        """Give the connection up; what is on its way stays unanswered."""
        self._lose("was closed")

    def _send(self, parts: Iterable[bytes], waiting: Waiting) -> None:
        if self.lost is not None or self._transport is None:
            raise Unavailable(self.lost or f"{self.name} is not connected")
        self._waiting.append(waiting)
        for part in parts:
            self._transport.write(part)

    def _too_late(self, answer: asyncio.Future[list[Reply]]) -> None:
        # After a stall of this process the answer and its timer come in the same turn of the loop.
        if not answer.done():
            self._lose(f"gave no answer within {self._timeout_s:g} s")

    def _lose(self, what: str) -> None:
        if self.lost is None:
            self.lost = f"{self.name} {what}"
            for _, answer in self._waiting:
                if answer is not None and not answer.done():
                    answer.set_exception(Unavailable(self.lost))
            self._waiting.clear()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(f"broke the connection: {exc}" if exc else "closed the connection")

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while self._waiting and self._collect(self._waiting[0][0]):
                _, answer = self._waiting.popleft()
                replies, self._replies = self._replies, []
                if answer is not None and not answer.done():
                    answer.set_result(replies)
        except hiredis.ProtocolError as error:
            self._lose(f"does not speak the Redis protocol: {error}")

    def _collect(self, wanted: int) -> bool:
        """Whether all replies of a request are there."""
        replies, gets = self._replies, self._reader.gets
        while len(replies) < wanted:
            reply = gets()
            if reply is False:
                return False
            replies.append(reply)
        return True


class Dial(Protocol):
    """Opens a link to the server that holds a shard."""

    def __call__(self, shard: int) -> Awaitable[Link]: ...


def dialler(address: RedisAddress, timeout_s: float = TIMEOUT_S) -> Dial:
    """Opens links to `address`; `timeout_s` limits each answer."""
    context = tls_context(address.ca, "REDCAT_REDIS_CA") if address.tls else None

    async def connect(node: Node) -> Link:
        link = await _connect(node, context, timeout_s)
        try:
            await _greet(link, address)
        except BaseException:
            link.close()
            raise
        return link

    if address.cluster:
        return ClusterDial(address.nodes, connect)

    async def dial(shard: int) -> Link:  # noqa: ARG001  there is one server for all of them
        return await connect(address.nodes[0])

    return dial


async def _connect(node: Node, context: ssl.SSLContext | None, timeout_s: float) -> Link:
    host, port = node
    name, loop = f"Redis at {host}:{port}", asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            _, link = await loop.create_connection(lambda: Link(name, timeout_s), host, port, ssl=context)
    except TimeoutError as error:
        raise Unavailable(f"{name} gave no answer within {timeout_s:g} s") from error
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(f"{name} has a certificate that is not trusted: {error.verify_message}") from error
    except OSError as error:
        raise Unavailable(f"{name} cannot be reached: {error}") from error
    return link


async def _greet(link: Link, address: RedisAddress) -> None:
    if address.password is not None:
        user = () if address.username is None else (address.username,)
        require((await link.ask(command("AUTH", *user, address.password)))[0], link.name)
    select, info, cluster = await link.ask(
        command("SELECT", address.database), command("COMMAND", "INFO", "MSETEX"), command("INFO", "cluster")
    )
    require(select, link.name)
    link.has_msetex = isinstance(info, list) and bool(info[0])
    # Where INFO is forbidden nobody knows.
    if isinstance(cluster, bytes) and (b"cluster_enabled:1" in cluster) is not address.cluster:
        part, names = ("no part", "its URL alone") if address.cluster else ("part", "all its nodes, with commas")
        raise Misconfigured(f"{link.name} is {part} of a Redis Cluster: set REDCAT_REDIS to {names}")


REACTIONS: Final[dict[str, type[RedcatError]]] = {
    "REFUSED": Refused,
    "WRONGTYPE": LaneStopped,
    "UNREADABLE": LaneStopped,
    "NEWER": Misconfigured,
    "NOAUTH": Misconfigured,
    "NOPERM": Misconfigured,
    "WRONGPASS": Misconfigured,
}
"""By the first word of an error reply; all others mean Unavailable."""

MOVES: Final = {
    "MOVED": "another node of the cluster holds it now",
    "ASK": "it is being moved to another node of the cluster",
    "TRYAGAIN": "it is being moved to another node of the cluster",
    "CLUSTERDOWN": "no node of the cluster holds it at the moment",
}


def failure(error: hiredis.ReplyError, about: str) -> RedcatError:
    """The error to raise for an error reply."""
    text = str(error)
    word = text.partition(" ")[0]
    if word == "OOM":
        text = "is full: it reached its maxmemory; give it more memory"
    elif word in MOVES:
        text = f"{MOVES[word]} ({text})"
    return REACTIONS.get(word, Unavailable)(f"{about}: {text}")


def require(reply: Reply, about: bytes | str) -> Reply:
    """The reply, unless it is an error; `about` is the key asked about, or the server."""
    if isinstance(reply, hiredis.ReplyError):
        raise failure(reply, about.decode() if isinstance(about, bytes) else about)
    return reply
