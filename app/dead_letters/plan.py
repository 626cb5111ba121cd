"""What becomes of a dead letter that is to be replayed: the record to send, or the reason why there is none."""

import json
from typing import Final, Literal, NamedTuple, TypeAlias

from app.dead_letters.fix import Fix, FixFailed
from app.dead_letters.letters import Letter
from app.dead_letters.selection import Selection
from streams.codec import FACT_TYPES, InvalidRecord, examine
from streams.murmur2 import partition_of
from streams.records import Message
from streams.topics import TOKEN_TOPICS

Reason: TypeAlias = Literal["no_topic", "too_old", "fix_failed", "still_invalid"]

REPLAY_OF: Final = "__dlq.replay.of"
"""The header of a replayed record that names its letter, PARTITION:OFFSET."""

DAY_MS: Final = 86_400_000


class Problem(NamedTuple):
    """A letter that is left alone, and why."""

    letter: Letter
    reason: Reason
    message: str


class Plan(NamedTuple):
    """Which letters are to be replayed, and how."""

    selection: Selection
    partitions: int
    now_ms: int
    kept_ms: int | None = None  # how long a journey is kept; None: records of any age are replayed
    fix: Fix | None = None
    limit: int | None = None  # of letters

    def record_of(self, letter: Letter) -> Message | Problem:
        """The record to send for a letter, or the problem with it."""
        topic = letter.topic
        if topic is None or topic not in FACT_TYPES:
            said = "the letter does not say which topic" if topic is None else f"{topic!r} is no topic of records"
            return Problem(letter, "no_topic", f"{said}; known are {', '.join(FACT_TYPES)}")
        if self._too_old(topic, letter):
            days = (self.kept_ms or 0) / DAY_MS
            return Problem(letter, "too_old", f"journeys are kept for {days:g} days; --force replays it nevertheless")
        try:
            key, value = self._repaired(topic, letter)
            examine(topic, key, value)
        except FixFailed as error:
            return Problem(letter, "fix_failed", str(error))
        except InvalidRecord as error:
            return Problem(letter, "still_invalid", f"{error.code}: {error.message}")
        partition = partition_of(key or b"", self.partitions)
        headers = [*_texts(letter), (REPLAY_OF, letter.name.encode())]
        return Message(topic, partition, letter.timestamp_ms, key, value, headers)

    def _too_old(self, topic: str, letter: Letter) -> bool:
        # A note's own figures know no journey: the latest ones count whenever they come.
        return topic in TOKEN_TOPICS and self.kept_ms is not None and self.now_ms - letter.timestamp_ms > self.kept_ms

    def _repaired(self, topic: str, letter: Letter) -> tuple[bytes | None, bytes | None]:
        """Key and value.  With a fix the key is the token or note that the fixed record names, if it names one."""
        if self.fix is None:
            return letter.key, letter.value
        value = self.fix.apply(letter)
        # What is not read may hold numbers of any length.
        named = json.loads(value, parse_int=str).get("token" if topic in TOKEN_TOPICS else "note_id")
        return named.encode(errors="replace") if isinstance(named, str) else letter.key, value


def _texts(letter: Letter) -> list[tuple[str, bytes]]:
    return [(name, content) for name, content in letter.headers if content is not None]
