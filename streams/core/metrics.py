"""A note's own figures as its platform tells them: cumulative, and only the latest record of a note counts.

Of two records with one event id the one with the greater `at_ms` stands, then the one whose canonical JSON is greater;
of those that stand the one with the greatest (`at_ms`, `event_id`) is the latest.  That is the greatest record by
(`at_ms`, `event_id`, canonical JSON): among the records of one event id the greatest is the one that stands, and
between two event ids the JSON is never asked.  So a note need not remember more than one record.
"""

from typing import Annotated, TypeAlias

import msgspec

from streams.core.facts import Id, Millis

Figure: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=10**12)]

FIGURES = ("reads", "likes", "saves", "comments", "shares")


class NoteMetric(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How often a note was read, liked and so on, up to one moment."""

    note_id: Id
    event_id: Id
    at_ms: Millis
    reads: Figure
    likes: Figure
    saves: Figure
    comments: Figure | None = None
    shares: Figure | None = None


_canonical = msgspec.json.Encoder(order="sorted").encode


def latest(a: NoteMetric, b: NoteMetric) -> NoteMetric:
    """Of two records of one note the one that counts."""
    place_a, place_b = (a.at_ms, a.event_id), (b.at_ms, b.event_id)
    if place_a == place_b:
        return a if a == b or _canonical(a) > _canonical(b) else b
    return a if place_a > place_b else b


def changes(before: NoteMetric | None, after: NoteMetric) -> dict[str, int]:
    """What replacing one record by another changes in the note's figures; what is absent counts as 0."""
    differences = {name: _figure(after, name) - _figure(before, name) for name in FIGURES}
    return {name: change for name, change in differences.items() if change}


def _figure(metric: NoteMetric | None, name: str) -> int:
    return getattr(metric, name, None) or 0
