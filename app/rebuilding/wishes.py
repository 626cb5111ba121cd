"""What a rebuild is asked for, and what it has come to."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple, TypeAlias

from app.rebuilding.differences import Differences
from app.settings import Settings

Step: TypeAlias = Literal["copying", "journeys", "results", "comparing", "removing"]
Progress: TypeAlias = Callable[[Step, int | None], AbstractContextManager[Callable[[int], None]]]
Confirm: TypeAlias = Callable[["Found"], Awaitable[bool]]


class Wishes(NamedTuple):
    """What is to be done."""

    settings: Settings
    progress: Progress
    confirm: Confirm  # asked before a copy that differs is put into force
    since_ms: int | None = None  # as for `beginning`
    compare_only: bool = False
    restart: bool = False  # make nothing of what an earlier rebuild has left
    restore_markers: bool = False  # and nothing else
    with_results: bool = True


class Found(NamedTuple):
    """What a rebuild has come to."""

    records: int  # that the copy has absorbed
    forgotten: int  # journeys that were forgotten once more
    behind: list[int]  # lanes in force that were rolled back or emptied, so that nothing can be compared
    retold: list[int]  # lanes of which all results will be told again
    differences: Differences
    in_force: bool = False
    restored: tuple[int, ...] = ()  # lanes whose markers were lost and written again
