"""The store on Redis 7 or newer, or Valkey.

Everything a lane changes is changed in one atomic step that is refused on any other tip.  What is acknowledged is as
durable as the server makes it: a failover or a restart may undo the last commits, and the lane's protocol heals that.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from app.redis_store import scripts
from app.redis_store.commit import UNWATCH, Change, Known, Void
from app.redis_store.forms import pack_tip, unpack_entry, unpack_lane, unpack_moments, unpack_words
from app.redis_store.generations import InForce
from app.redis_store.keys import LaneKeys, ShardKeys, pack_tokens, unpack_token
from app.redis_store.link import Dial, Link, require
from app.redis_store.resp import argument, command
from streams.commits import Commit, LaneState, Moment
from streams.errors import Misconfigured, Refused, Unavailable
from streams.records import Tip

LOAD_KEYS: Final = 4_000  # in one request, so that the server never stands still for long
PAGE_KEYS: Final = 2_000  # looked at for one page of tokens
LOOKS: Final = 3  # before a commit that comes upon the orders of other lanes again and again is refused
KNOWN_NOTES: Final = 4_000  # remembered for each lane, 3 MB at most


@dataclass
class Session:
    """What a lane has here from one acquire to the next."""

    link: Link
    keys: LaneKeys
    known: Known = field(default_factory=Known)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)  # WATCH and EXEC count for the whole link


class RedisStore:
    """A `streams.ports.Store`; each lane has a link of its own."""

    def __init__(self, dial: Dial, group: str, shards: int, *, generation: int | None = None) -> None:
        """`generation` is what to work on instead of what is in force."""
        self._dial = dial
        self._group = group
        self._shards = shards
        self._generation = generation
        self._in_force = InForce(dial, group)
        self._sessions: dict[int, Session] = {}

    async def acquire(self, lane: int, nonce: str) -> LaneState:
        """Make `nonce` the lane's owner, on a new connection; the old one is closed."""
        await self.release(lane)
        generation = await self._current()
        keys = LaneKeys(ShardKeys(self._group, lane % self._shards, generation), lane)
        link = await self._dial(lane % self._shards)
        await self.release(lane)  # of another acquire that began meanwhile
        session = self._sessions[lane] = Session(link, keys)
        # The words are not for the script to read: Lua takes seven times as long to hand out a long list, while
        # everybody waits.  They only grow, so that those of the state are the first, whoever commits in between.
        reply, words = await link.ask(scripts.acquire(keys, nonce), command("LRANGE", keys.words, 0, -1))
        sequence, state, entries = require(reply, keys.state)
        fields = dict(zip(state[::2], state[1::2], strict=True))
        outbox = [unpack_entry(entry, keys.outbox) for entry in entries]
        texts = unpack_words(require(words, keys.words), keys.words)
        lane_state = unpack_lane(Tip(nonce, int(sequence)), fields, outbox, texts, keys.state)
        session.known.words = len(lane_state.words)
        # Once the lane is ours, nobody can put another generation into force without our being refused afterwards.
        if await self._current() != generation:
            await self.release(lane)
            raise Refused(f"namespace {self._group} was rebuilt meanwhile")
        return lane_state

    async def load(self, lane: int, tip: Tip, tokens: Sequence[str]) -> list[bytes | None]:
        """Read journeys; MGET reads the tip in the same atomic step."""
        keys, link = self._session(lane).keys, self._session(lane).link
        packed = pack_tokens(tokens)
        requests = []
        for start in range(0, len(packed), LOAD_KEYS) or [0]:
            part = packed[start : start + LOAD_KEYS]
            arguments = argument(keys.tip) + keys.shard.journey_arguments(part)
            requests.append(b"*%d\r\n$4\r\nMGET%b\r\n" % (len(part) + 2, arguments))
        journeys: list[bytes | None] = []
        for reply in await link.ask(*requests):
            stands_at, *values = require(reply, keys.tip)
            _check_tip(lane, stands_at, tip)
            journeys += values
        return journeys

    async def tokens(self, lane: int, cursor: int) -> tuple[int, list[str]]:
        """A page of the tokens held in the lane's shard."""
        session = self._session(lane)
        prefix = session.keys.shard.journey_prefix
        following, keys = await session.link.scan(cursor, prefix, PAGE_KEYS)
        return int(following), [unpack_token(key[len(prefix) :]) for key in keys]

    async def recent(self, lane: int, tip: Tip) -> list[Moment]:
        """The moments that wait to be folded."""
        keys = self._session(lane).keys
        stands_at, values = await self._session(lane).link.ask(
            command("GET", keys.tip), command("LRANGE", keys.recent, 0, -1)
        )
        _check_tip(lane, require(stands_at, keys.tip), tip)
        return unpack_moments(require(values, keys.recent), keys.recent)

    async def commit(self, lane: int, tip: Tip, commit: Commit) -> Tip:
        """Apply all of `commit` and return the new tip."""
        session = self._session(lane)
        async with session.changing:
            if len(session.known.notes) > KNOWN_NOTES:
                session.known.notes.clear()
            for _ in range(LOOKS - 1):
                # Another lane has given an order of ours a token; had anybody taken ours, the next look would tell.
                with suppress(Void):
                    return await self._commit(session, tip, commit)
            return await self._commit(session, tip, commit)

    async def _commit(self, session: Session, tip: Tip, commit: Commit) -> Tip:
        change = Change(session.keys, tip, commit, session.known)
        try:
            seen = change.judge(await session.link.request(change.look()))
            request = change.write(seen, msetex=session.link.has_msetex)
        except BaseException:
            session.link.tell(UNWATCH)
            raise
        return change.confirm(await session.link.request(request))

    async def rolled_back(self, lane: int, tip: Tip, sequence: int, published: Tip | None) -> Tip:
        """Empty the outbox and raise the sequence."""
        new_tip = Tip(tip.nonce, max(tip.sequence, sequence))
        told = b"" if published is None else pack_tip(published)
        await self._change(lane, scripts.rolled_back(self._session(lane).keys, pack_tip(tip), pack_tip(new_tip), told))
        return new_tip

    async def trim(self, lane: int, tip: Tip, published: Tip) -> None:
        """Drop outbox entries that were published."""
        await self._change(lane, scripts.trim(self._session(lane).keys, pack_tip(tip), pack_tip(published)))

    async def probe(self, lane: int, tip: Tip) -> None:
        """Compare the tip."""
        key = self._session(lane).keys.tip
        (reply,) = await self._session(lane).link.ask(command("GET", key))
        _check_tip(lane, require(reply, key), tip)

    async def release(self, lane: int) -> None:
        """Close the lane's connection, if there is one."""
        if session := self._sessions.pop(lane, None):
            session.link.close()

    async def close(self) -> None:
        """Close all connections."""
        for lane in list(self._sessions):
            await self.release(lane)
        self._in_force.close()

    async def _change(self, lane: int, request: bytes) -> None:
        session = self._session(lane)
        async with session.changing:
            (reply,) = await session.link.ask(request)
        require(reply, session.keys.state)

    async def _current(self) -> int:
        """The generation to work on; raises Unavailable while lanes are held, Misconfigured if it has other shards."""
        if self._generation is not None:
            return self._generation
        standing = await self._in_force.read()
        if standing.held:
            raise Unavailable(f"the lanes of namespace {self._group} are held, while a rebuild of it is compared")
        if standing.shards not in (None, self._shards):
            raise Misconfigured(
                f"namespace {self._group} has {standing.shards} shards now, this worker {self._shards}: "
                f"set REDCAT_SHARDS={standing.shards}"
            )
        return standing.generation

    def _session(self, lane: int) -> Session:
        session = self._sessions.get(lane)
        if session is None:
            raise Unavailable(f"lane {lane} was not acquired here")
        return session


def _check_tip(lane: int, stands_at: bytes | None, tip: Tip) -> None:
    if stands_at != pack_tip(tip):
        raise Refused(f"lane {lane} stands at {stands_at!r}, not at {pack_tip(tip)!r}")
