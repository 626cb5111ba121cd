"""What an audit is to do."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple, TypeAlias

from app.settings import Settings

Progress: TypeAlias = Callable[[Literal["results", "journeys"], int], AbstractContextManager[Callable[[int], None]]]
"""Makes a progress bar of what is being read, and how much of it there is."""


class Options(NamedTuple):
    """What an audit is to do, and what it needs to know."""

    settings: Settings
    now_ms: int
    progress: Progress
    with_results: bool = True
    outbox_s: float = 10.0  # how long results that are on their way to Kafka are waited for
    pause_s: float = 0.5  # before the lanes are looked at again that did not stand still
