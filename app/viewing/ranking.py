"""Ranked lists: the ids of a scope by any counter or rate, page by page, each id told once whatever moves meanwhile."""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from app.counters import COUNTS
from app.viewing.cells import Numbers, Values, order_of
from app.viewing.figures import Figures, figures_of
from app.viewing.scopes import DIMENSION_OF, EVERYTHING, Filters, Scope
from app.viewing.sums import Sums
from app.viewing.turns import Turns
from app.viewing.view import View

RATES: Final = {
    "entry_rate": ("clicks_entered", "clicks"),
    "order_rate": ("clicks_ordered", "clicks"),
    "refund_rate": ("refunded_minor", "gross_minor"),
}
MONEY_SORTS: Final = ("gross_minor", "refunded_minor", "net_minor")
SORTS: Final = (*COUNTS, *MONEY_SORTS, *RATES)
MOST_RANKINGS: Final = 16  # remembered for pages to come; each takes 12 bytes for each id
NONE: Final = -(2**62)  # below every key
RATE_STEPS: Final = 10**12  # so finely are rates told apart


class WrongCursor(ValueError):
    """The cursor is none of this list's."""


class RankQuery(NamedTuple):
    """What to list, and how."""

    scope: Scope
    sort: str = "orders"  # a counter, money or rate
    currency: str = "CNY"  # of money and of the refund rate
    ascending: bool = False
    filters: Filters = EVERYTHING
    search: str = ""  # within the id


class Item(NamedTuple):
    """An id and its figures in the cells that fit."""

    id: str
    figures: Figures


class Page(NamedTuple):
    """A part of a ranked list, and the cursor of the next part if there is one; `total` is how many ids there are."""

    items: list[Item]
    next_cursor: str | None
    total: int


class Ranking(NamedTuple):
    """The ids of a list by number, and what they are ordered by: the greatest first, equals as they come here.

    Nobody reads a list of hundreds of thousands as a whole, so only what is asked for is put in order.
    """

    numbers: Numbers
    keys: Values

    def part(self, start: int, end: int) -> tuple[Numbers, Values]:
        """The places from `start` until before `end` of the list."""
        end = min(end, len(self.numbers))
        if start >= end:
            return self.numbers[:0], self.keys[:0]
        falling = -self.keys
        first, last = np.partition(falling, (start, end - 1))[[start, end - 1]]
        near = np.flatnonzero((falling >= first) & (falling <= last))
        begin = start - np.count_nonzero(falling < first)
        chosen = near[np.argsort(falling[near], kind="stable")][begin : begin + end - start]
        return self.numbers[chosen], self.keys[chosen]


class Place(msgspec.Struct, frozen=True, array_like=True):
    """What a cursor says: which ranking, how far, and what stood there, should the ranking be forgotten."""

    ranking: str
    query: str  # that of the list, as a checksum
    after: int
    key: int
    order: int


class Rankings:
    """Remembers the rankings that pages were taken from.

    A ranking is frozen when its first page is asked for, so that an id which moves meanwhile is neither told twice nor
    left out.  Where it is not remembered, in another process or after long, the next page begins behind what stood
    last on the page before.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Ranking] = OrderedDict()

    async def page(self, view: View, query: RankQuery, limit: int, cursor: str | None = None) -> Page:
        """A page of at most `limit` ids; WrongCursor if the cursor is of no list or of another one."""
        mark, names = _mark(view, query), view.cells.names[DIMENSION_OF[query.scope]]
        if cursor is None:
            name, ranking, start = "", ranked(view, query), 0
        else:
            place = read_cursor(cursor, mark)
            name, known = place.ranking, self._known.get(f"{mark}:{place.ranking}")
            ranking, start = (ranked(view, query), -1) if known is None else (known, place.after)
            if known is None:
                name, start = "", _behind(ranking, place, names.orders[ranking.numbers])
        numbers, keys = ranking.part(start, start + limit)
        end = start + len(numbers)
        following = None
        if end < len(ranking.numbers):
            name = name or self._remember(mark, ranking)
            place = Place(name, mark, end, int(keys[-1]), int(names.orders[numbers[-1]]))
            following = base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")
        return Page(await _items(view, query, numbers), following, len(ranking.numbers))

    def _remember(self, mark: str, ranking: Ranking) -> str:
        # By its contents, so that asking again for what has not moved takes no room.
        name = f"{hash((ranking.numbers.tobytes(), ranking.keys.tobytes())) % 2**64:x}"
        self._known[f"{mark}:{name}"] = ranking
        self._known.move_to_end(f"{mark}:{name}")
        if len(self._known) > MOST_RANKINGS:
            self._known.popitem(last=False)
        return name


async def window(view: View, query: RankQuery, start: int, limit: int) -> Page:
    """The ids from a place in the list on as it stands now: for who sees the whole list and moves freely in it."""
    ranking = ranked(view, query)
    numbers, _ = ranking.part(start, start + limit)
    return Page(await _items(view, query, numbers), None, len(ranking.numbers))


def ranked(view: View, query: RankQuery) -> Ranking:
    """All ids that fit; equals in an order of their own that is the same in every process."""
    cells, rows = view.cells, view.rows(query.filters)
    rows = rows[cells.shown(rows)]
    names = cells.names[DIMENSION_OF[query.scope]]
    sums = Sums(view, query.scope, rows)
    listed, ordered = sums.present(), names.ordered()
    if query.search:
        listed &= names.containing(query.search)
    numbers = ordered[listed[ordered]]
    keys = _keys(sums, query)[numbers]
    if query.ascending:
        keys = np.where(keys == NONE, NONE, -keys)
    return Ranking(numbers.astype(np.int32), keys)


def read_cursor(cursor: str, mark: str) -> Place:
    """What a cursor says; WrongCursor if it is none of the list with that mark."""
    try:
        place = msgspec.msgpack.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=Place)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise WrongCursor("the cursor is none: take it from `next` of the page before") from error
    if place.query != mark or not 0 <= place.after < 2**31:
        raise WrongCursor("the cursor is of another list: keep sort, filters and scope from page to page")
    return place


def _keys(sums: Sums, query: RankQuery) -> Values:
    """What to order by; NONE where there is no rate, which comes last."""
    if query.sort in RATES:
        part, whole = (_counter(name, query.currency) for name in RATES[query.sort])
        of_whole = sums.of(whole)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = sums.of(part) / of_whole
        # Rates are compared as whole numbers, so that a cursor can say exactly where a page ended.
        return np.where(of_whole > 0, np.nan_to_num(shares * RATE_STEPS, posinf=0, neginf=0).astype(np.int64), NONE)
    if query.sort == "net_minor":
        return sums.of(f"gross_minor:{query.currency}") - sums.of(f"refunded_minor:{query.currency}")
    return sums.of(_counter(query.sort, query.currency))


def _counter(name: str, currency: str) -> str:
    return f"{name}:{currency}" if name in MONEY_SORTS else name


async def _items(view: View, query: RankQuery, numbers: Numbers) -> list[Item]:
    cells, turns, found = view.cells, Turns(), list[Item]()
    texts = cells.names[DIMENSION_OF[query.scope]].texts
    ids = [texts[number] for number in numbers]
    if query.scope != "notes":
        return await _items_of_many_rows(view, query, numbers, ids)
    fits = None
    if query.filters != EVERYTHING:
        fits = np.zeros(cells.size, np.bool_)
        fits[view.rows(query.filters)] = True
    for one in ids:
        if fits is None:
            figures = view.figures("notes", one) or figures_of({})
        else:
            # What came since has no place in what fits.
            rows = [row for row in view.rows_of("notes", one) if row < len(fits) and fits[row]]
            figures = figures_of(cells.sums(rows))
        found.append(Item(one, figures))
        await turns.pause()
    return found


async def _items_of_many_rows(view: View, query: RankQuery, numbers: Numbers, ids: Sequence[str]) -> list[Item]:
    """Counter by counter, each for all ids together: one by one all rows would be looked through for each."""
    turns, found = Turns(), list[Item]()
    sums = Sums(view, query.scope, view.rows(query.filters))
    columns: dict[str, list[int]] = {}
    for name in view.cells.counters():
        columns[name] = sums.of(name)[numbers].tolist()
        await turns.pause()
    for place, one in enumerate(ids):
        found.append(Item(one, figures_of({counter: column[place] for counter, column in columns.items()})))
        await turns.pause()
    return found


def _behind(ranking: Ranking, place: Place, orders: Values) -> int:
    """The first place in a ranking behind that of a cursor."""
    ahead = (ranking.keys > place.key) | ((ranking.keys == place.key) & (orders <= place.order))
    return int(np.count_nonzero(ahead))


def _mark(view: View, query: RankQuery) -> str:
    parts = (str(view.party), query.scope, query.sort, query.currency, query.ascending, query.filters, query.search)
    return f"{order_of(repr(parts)):x}"
