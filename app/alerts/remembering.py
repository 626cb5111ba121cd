"""When what detectors have learnt is stored, and what an evaluator begins with."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from app.alerts.memory import packed, unpacked
from app.alerts.observing import Observer
from app.alerts.rules import Rules
from app.alerts.state import State
from app.alerts.watch import MINUTE_MS

log = logging.getLogger(__name__)

BYTES_A_MINUTE: Final = 1_000_000  # that storing it may take at the average
MOST_BYTES: Final = 64_000_000


class Remembering:
    """Packs what detectors have learnt as often as its size allows, and lets an observer and a state go on with it."""

    def __init__(self, observer: Observer, now_ms: Callable[[], int]) -> None:
        self._observer = observer
        self._now_ms = now_ms
        self._due_ms = 0

    async def memory(self, state: State) -> bytes | None:
        """What is to be stored now; None as long as what was stored last is good enough."""
        at_ms = state.at_ms
        if at_ms is None or at_ms < self._due_ms:
            return None
        # In a thread: with very many scopes it takes seconds, in which the lease must be kept.
        memory = await asyncio.to_thread(packed, state, self._observer)
        self._due_ms = at_ms + len(memory) * MINUTE_MS // BYTES_A_MINUTE
        if len(memory) <= MOST_BYTES:
            return memory
        log.warning("there is too much to remember across restarts", extra={"bytes": len(memory), "most": MOST_BYTES})
        return None

    def recall(self, memory: bytes | None, rules: Rules) -> State | None:
        """The state to go on with, and the observer made to fit; None: begin anew."""
        if memory is None:
            return None
        found = unpacked(memory, rules, self._now_ms())
        if found is None:
            log.info("what was remembered is too old, or of other rules")
            return None
        state, observer = found
        self._observer.become(observer)
        log.info("this evaluator goes on with what was remembered", extra={"at_ms": state.at_ms})
        return state
