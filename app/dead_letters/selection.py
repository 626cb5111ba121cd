"""Which dead letters are meant: by code, topic and time."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.dead_letters.letters import CODES, Letter
from streams.codec import FACT_TYPES
from streams.core.policy import duration_ms
from streams.errors import Misconfigured

FIRST_MS, END_MS = 10**12, 2**43  # where every time of a record lies
FORMS: Final = (
    "2026-11-11, 2026-11-11T20:30 (local time), 2026-11-11T20:30+08:00, milliseconds since 1970, or 90m, 6h, 2d for ago"
)


@dataclass(frozen=True)
class Selection:
    """Letters with one of these codes and topics, no codes or topics being all, and a time from `since` to `until`."""

    codes: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None  # the first moment that is too late

    def fits(self, letter: Letter) -> bool:
        """Whether a letter is meant."""
        return (
            (not self.codes or letter.code in self.codes)
            and (not self.topics or letter.topic in self.topics)
            and (self.since_ms is None or self.since_ms <= letter.timestamp_ms)
            and (self.until_ms is None or letter.timestamp_ms < self.until_ms)
        )


def select(
    codes: Sequence[str] | None, topics: Sequence[str] | None, since: str | None, until: str | None, *, now_ms: int
) -> Selection:
    """The selection that the options of a command mean; Misconfigured says what is wrong with them."""
    since_ms = None if since is None else time_ms(since, option="--since", now_ms=now_ms)
    until_ms = None if until is None else time_ms(until, option="--until", now_ms=now_ms)
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise Misconfigured(f"--until {until} is not after --since {since}")
    return Selection(
        _known(codes or (), CODES, option="--code"),
        _known(topics or (), FACT_TYPES, option="--topic"),
        since_ms,
        until_ms,
    )


def time_ms(text: str, *, option: str, now_ms: int) -> int:
    """The time that a text means, in ms since 1970; Misconfigured if it is none."""
    text = text.strip()
    try:
        if re.fullmatch(r"[0-9]{13}", text):
            at_ms = int(text)
        elif re.fullmatch(r"[0-9]{1,9}[smhd]", text):
            at_ms = max(now_ms - duration_ms(text), FIRST_MS)
        else:
            at_ms = round(datetime.fromisoformat(text).timestamp() * 1_000)
    except (ValueError, OverflowError, OSError):
        at_ms = -1
    if not FIRST_MS <= at_ms < END_MS:
        raise Misconfigured(f"{option}: {text!r} is no time; give {FORMS}")
    return at_ms


def _known(chosen: Sequence[str], known: Iterable[str], *, option: str) -> frozenset[str]:
    known = tuple(known)
    unknown = next((name for name in chosen if name not in known), None)
    if unknown is not None:
        raise Misconfigured(f"{option}: {unknown!r} is none of {', '.join(known)}")
    return frozenset(chosen)
