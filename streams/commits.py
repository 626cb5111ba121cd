"""What a store holds of a lane, and what one commit changes there."""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from streams.core.tally import CellKey, When
from streams.records import Entry, LastRecord, Positions, Restating, Spans, Tip


class Clicks(NamedTuple):
    """The latest of all clicks that a lane has absorbed: a policy that starts later changes none of them."""

    latest_ms: int  # 0: there were none
    plausible_ms: int  # of those that were, when they came, at most an hour ahead of the wall clock


NO_CLICKS: Final = Clicks(0, 0)


class LaneState(NamedTuple):
    """What the store holds of a lane besides journeys and counters; the reply to an acquire."""

    tip: Tip
    positions: Positions
    policies: list[int]
    parked: Spans
    last_records: dict[str, LastRecord]
    published: Tip | None  # marker up to which the outbox was published and trimmed
    outbox: list[Entry]
    words: list[str]  # what the lane's journeys name by number, in the order of the numbers
    spent: int  # sum of |increment| over all counters the lane ever changed, so that none can overflow
    restating: Restating = ""
    clicks: Clicks = NO_CLICKS


class Journeys(NamedTuple):
    """Journeys to be stored that live equally long; with None they live for ever."""

    ttl_ms: int | None
    tokens: list[str]
    values: list[bytes]


class Bucket(NamedTuple):
    """Rows of counters that are stored and expire together: all time, an hour or a day."""

    span: str  # totals, hours or days
    hour: int  # or day, since 1970; 0 for totals
    expires_ms: int | None  # wall clock


Moments: TypeAlias = Mapping[CellKey, Mapping[When, int]]
"""Changes in time by cell, as the core's tally adds them up: two minutes and the counter's name -> the change."""

NO_MOMENTS: Final[Moments] = {}

Moment: TypeAlias = tuple[CellKey, int | None, int, str, int]
"""One of these changes: the cell, two minutes, the counter's name, the change."""

WHOLE: Final = 60
"""In the place of a minute: all of a bucket's time."""

RowChanges: TypeAlias = list[tuple[int, dict[str, int]]]
"""Changes of a row's counters, each in a minute of the hour, for which it counts as well, or in WHOLE alone."""

Series: TypeAlias = Mapping[Bucket, Mapping[str, RowChanges]]
"""Changes by bucket and row; only in hours there are minutes.  What rows are called is up to who counts."""


class Increments(NamedTuple):
    """Changes of whole-number counters.

    `cells` maps note id -> cell text -> counter name -> change, `ledger` maps a ledger line -> change; `moments` are
    the changes of cells once more, with their times.
    """

    cells: dict[str, dict[str, dict[str, int]]]
    ledger: dict[str, int]
    moments: Moments = NO_MOMENTS


class Orders(NamedTuple):
    """What changes in the index from orders to the tokens whose journeys hold them: pairs of order id and token."""

    ttl_ms: int
    new: list[tuple[str, str]]  # held from now on
    kept: list[tuple[str, str]]  # held before as well; both live as long from now
    gone: list[tuple[str, str]]


class Commit(NamedTuple):
    """Everything that one batch changes, applied by the store at once or not at all."""

    positions: Positions
    policies: list[int]
    parked: Spans
    last_records: dict[str, LastRecord]
    spent: int
    journeys: list[Journeys]
    words: list[str]  # to be appended to the lane's
    increments: Increments
    entry: Entry | None  # None in a silent replay
    trim: Tip | None  # as Store.trim: entries up to and including this one leave the outbox; None: nothing to trim
    published: Tip | None = None  # set the published tip to this one outright, after a replay; None: leave it
    orders: Orders | None = None
    fold: Series | None = None  # what all recent moments come to, those of this commit among them; they are then gone
    minutes_until: int | None = None  # minutes of hours before this one need not be kept; None: leave them all
    restating: Restating = ""
    clicks: Clicks = NO_CLICKS
