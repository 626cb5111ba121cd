"""Redis Cluster: which node holds a shard.

The keys of a shard share a hash tag and thereby a slot, which one primary serves.  Each dial asks for it anew, so that
a lane that was refused because its slot has moved finds it again when it is acquired again.  No redirection is
followed in the middle of anything: MOVED, ASK, TRYAGAIN and CLUSTERDOWN end an ownership as a broken connection does.
"""

import binascii
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from hiredis import ReplyError

from app.redis_store.resp import command
from streams.errors import Unavailable

SLOTS: Final = 16_384
WHERE: Final = command("CLUSTER", "SLOTS")
NODES: Final = command("CLUSTER", "NODES")
MOST_NODES: Final = 100  # remembered

Node: TypeAlias = tuple[str, int]


class Asked(Protocol):
    """What is needed of a connection."""

    slot: int | None

    async def ask(self, *commands: bytes) -> list[Any]: ...

    def close(self) -> None: ...


Connection = TypeVar("Connection", bound=Asked)


def slot_of(shard: int) -> int:
    """The slot of the keys that have the shard's number as their hash tag; CRC-16/XMODEM, as the cluster has it."""
    return binascii.crc_hqx(str(shard).encode(), 0) % SLOTS


class ClusterDial(Generic[Connection]):
    """Opens connections to the primary of a shard's slot."""

    def __init__(self, nodes: Sequence[Node], connect: Callable[[Node], Awaitable[Connection]]) -> None:
        self._nodes = list(nodes)  # all that are known, the one that answered last first
        self._configured = nodes
        self._connect = connect

    async def __call__(self, shard: int) -> Connection:
        """Raises Unavailable if no node can be asked, or none serves the slot."""
        slot, failed = slot_of(shard), Unavailable("the cluster has no nodes")
        for node in tuple(self._nodes):
            try:
                link = await self._at(node, slot)
            except Unavailable as error:
                failed = error
            else:
                link.slot = slot
                return link
        raise failed

    async def _at(self, asked: Node, slot: int) -> Connection:
        """A connection to the primary that `asked` names."""
        link = await self._connect(asked)
        try:
            (shares,) = await link.ask(WHERE)
            primary = self._learn(shares, asked, slot)
        except BaseException:
            link.close()
            raise
        if primary == asked:
            return link
        link.close()
        return await self._connect(primary)

    def _learn(self, shares: Any, asked: Node, slot: int) -> Node:
        """The slot's primary; remembers all nodes."""
        if isinstance(shares, ReplyError):
            raise Unavailable(f"Redis at {asked[0]}:{asked[1]} does not say who serves which slot: {shares}")
        primary, found = None, [asked]
        for first, last, *nodes in shares:
            # A node that does not know its own name leaves it out: it is the one that was asked.
            named = [((host or b"").decode().strip("?") or asked[0], port) for host, port, *_ in nodes]
            found += named
            if first <= slot <= last and named:
                primary = named[0]
        self._nodes = list(dict.fromkeys((*found, *self._configured)))[:MOST_NODES]
        if primary is None:
            raise Unavailable(f"no node of the cluster serves slot {slot} at the moment")
        return primary


def holds_all(nodes: Any, slot: int) -> bool:
    """Whether the node that gave this reply to NODES holds all keys of the slot: it serves it, and none is moving."""
    if isinstance(nodes, ReplyError):
        return False
    lines = [line.split() for line in nodes.decode().splitlines()]
    shares = [share for _, _, flags, _, _, _, _, _, *own in lines if "myself" in flags for share in own]
    if any(share.startswith(f"[{slot}-") for share in shares):
        return False
    spans = [share.partition("-") for share in shares if not share.startswith("[")]
    return any(int(first) <= slot <= int(last or first) for first, _, last in spans)
