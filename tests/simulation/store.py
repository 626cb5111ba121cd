"""One process's connection to the store in memory."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from app.memory_store import MemoryStore, Snapshot
from streams.commits import Commit, LaneState, Moment
from streams.records import Tip
from tests.simulation.process import Process

Answer = TypeVar("Answer")


class StoreLine:
    """A `streams.ports.Store` behind a network.

    `saved` is given what the store holds after each change, `taken` the lanes that are about to be acquired.
    """

    def __init__(
        self, store: MemoryStore, process: Process, saved: Callable[[Snapshot], None], taken: Callable[[int], None]
    ) -> None:
        self._store = store
        self._process = process
        self._saved = saved
        self._taken = taken

    async def acquire(self, lane: int, nonce: str) -> LaneState:
        self._taken(lane)
        return await self._process.ask("store.acquire", lambda: self._change(self._store.acquire(lane, nonce)))

    async def load(self, lane: int, tip: Tip, tokens: Sequence[str]) -> list[bytes | None]:
        return await self._process.ask("store.load", lambda: at_once(self._store.load(lane, tip, tokens)))

    async def recent(self, lane: int, tip: Tip) -> list[Moment]:
        return await self._process.ask("store.recent", lambda: at_once(self._store.recent(lane, tip)))

    async def tokens(self, lane: int, cursor: int) -> tuple[int, list[str]]:
        return await self._process.ask("store.tokens", lambda: at_once(self._store.tokens(lane, cursor)))

    async def commit(self, lane: int, tip: Tip, commit: Commit) -> Tip:
        return await self._process.ask("store.commit", lambda: self._change(self._store.commit(lane, tip, commit)))

    async def rolled_back(self, lane: int, tip: Tip, sequence: int, published: Tip | None) -> Tip:
        return await self._process.ask(
            "store.rolled_back", lambda: self._change(self._store.rolled_back(lane, tip, sequence, published))
        )

    async def trim(self, lane: int, tip: Tip, published: Tip) -> None:
        await self._process.ask("store.trim", lambda: self._change(self._store.trim(lane, tip, published)))

    async def release(self, lane: int) -> None:
        """There is one connection for all lanes, and it stays."""

    async def probe(self, lane: int, tip: Tip) -> None:
        await self._process.ask("store.probe", lambda: at_once(self._store.probe(lane, tip)))

    def _change(self, step: Coroutine[Any, Any, Answer]) -> Answer:
        result = at_once(step)
        self._saved(self._store.snapshot())
        return result


def at_once(step: Coroutine[Any, Any, Answer]) -> Answer:
    """The result of a coroutine that waits for nothing: one atomic step."""
    try:
        step.send(None)
    except StopIteration as done:
        result: Answer = done.value
        return result
    raise RuntimeError("an atomic step must not wait")
