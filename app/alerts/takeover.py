"""What an evaluator that begins to act does with what it finds in the store and in Kafka.  Pure."""

from typing import NamedTuple, TypeAlias

from streams.records import Tip


class GoOn(NamedTuple):
    """The store and the topic agree: publish what waits, if anything does, and go on."""

    publish: bool


class Settle(NamedTuple):
    """What waits was published; only the store does not know yet."""


class Restore(NamedTuple):
    """The store has lost what was published: take what the marker carries."""


Decision: TypeAlias = GoOn | Settle | Restore


def decide(marker: Tip | None, published: Tip | None, waiting: Tip | None) -> Decision:
    """What to do; the tips of the last marker, of what is known as published, and of the transitions that wait."""
    if marker is not None and marker == waiting:
        return Settle()
    if marker is None or marker == published:
        return GoOn(publish=waiting is not None)
    return Restore()
