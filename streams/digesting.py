"""What an owner needs of a digest: of journeys or of metrics, as the lane may be."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from streams.arrivals import Arrivals, Aside
from streams.commits import Increments, Journeys, Orders
from streams.records import ResultRecord


class Digest(Protocol):
    """What a batch changes, as a commit needs it."""

    results: list[ResultRecord]
    aside: list[Aside]
    failed: int  # journeys that could not be restated

    @property
    def ledger(self) -> dict[str, int]:
        """Changes of ledger lines; may be corrected before `increments` is called."""
        ...

    def journeys(self) -> list[Journeys]: ...

    def orders(self) -> Orders | None: ...

    def increments(self) -> Increments: ...


class Digesting(Protocol):
    """What makes digests; `revision` is the number of the commit to come."""

    def without_late(self, arrived: Arrivals[Any], loaded: Sequence[bytes | None], /) -> list[bytes | None]:
        """Set aside what came to full journeys and is not in them; returns what of `loaded` is still wanted."""
        ...

    def digest(self, arrived: Arrivals[Any], loaded: Sequence[bytes | None], revision: int, /) -> Digest: ...

    def restate(self, held: Iterable[tuple[str, bytes]], revision: int, /, *, everything: bool) -> Digest: ...

    def tell(self, key: str, value: bytes, revision: int, /) -> list[ResultRecord]: ...
