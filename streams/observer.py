"""Who is told what the lanes of a worker do.  Nothing that a lane decides depends on it."""

from typing import Protocol

from streams.errors import RedcatError
from streams.records import Batch, Entry


class Observer(Protocol):
    """Is told once a batch or less often; must be quick and must not fail."""

    def taking_over(self, lane: int, trouble: RedcatError | None) -> None:
        """An ownership begins; `trouble` ended the one before, None: the lane was assigned."""
        ...

    def absorbed(self, batch: Batch, entry: Entry) -> None:
        """A batch was committed; `entry` is what of it is to be published."""
        ...

    def replayed(self, batch: Batch) -> None:
        """A batch was gone through again after the store was rolled back."""
        ...


class Nobody:
    """An observer that does not look."""

    def taking_over(self, lane: int, trouble: RedcatError | None) -> None: ...

    def absorbed(self, batch: Batch, entry: Entry) -> None: ...

    def replayed(self, batch: Batch) -> None: ...
