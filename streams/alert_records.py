"""What an evaluator of alerts publishes: transitions, and the marker that ends each transaction."""

from typing import Final, NamedTuple

import msgspec

from streams.records import Tip

VERSION: Final = 1


class Transition(NamedTuple):
    """A record of topic `alert`."""

    at_ms: int
    key: bytes
    value: bytes


class AlertMarker(msgspec.Struct, frozen=True):
    """What was published last: the tip of its commit and what was remembered then."""

    nonce: str
    sequence: int
    state: msgspec.Raw  # JSON
    version: int = VERSION

    @property
    def tip(self) -> Tip:
        return Tip(self.nonce, self.sequence)
