"""Journeys as the store holds them: small, lossless and quick to read.

A journey is one msgpack array: encoding, number of policies it was computed under, base time, then one array of rows
per kind of fact and one of lost contents.  What comes again and again (placements, shops, currencies) is one of the
lane's *words* and kept as its number; an id of hex digits, a UUID or a decimal number is kept as what it stands for;
times are relative to the base; a shop that is also the first click's may be left out.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec

from streams.core.facts import Action, Click, Entry, Fact, Step
from streams.core.journey import Journey
from streams.errors import LaneStopped
from streams.words import Words, pack_id, unpack_id

ENCODING: Final = 2
WITHOUT_PLACEMENTS: Final = 1  # an encoding that is still read: each click had all its fields in its own row

CLICKS, ENTRIES, STEPS, ACTIONS, LOST = range(3, 8)
"""Where the rows of a kind are in a stored journey; before them stand encoding, policies and base."""

UNREADABLE: Final = (
    *(msgspec.DecodeError, RecursionError, IndexError, TypeError, ValueError, AttributeError, KeyError, OverflowError),
)
"""What bytes that are no journey may raise."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Any]).decode

_STATUSES = ("deposit", "paid", "received", "settled", "closed", "refunded", "frozen", "unfrozen")
_STATUS_CODES = {name: code for code, name in enumerate(_STATUSES)}
_ACTIONS = ("favourite", "cart")

Row: TypeAlias = list[Any]
Shop: TypeAlias = tuple[str, str] | None


class JourneyCodec:
    """Packs and unpacks the journeys of a lane."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._code = words.code
        self._text: Any = words.text

    def pack(self, journey: Journey, policies: int) -> bytes:
        """The journey as bytes; `policies` is how many of the lane's policies its counters were computed under."""
        first = next(iter(journey.clicks.values()), None)
        base = next(_visits(journey)).at_ms if first is None else first.at_ms
        shop = None if first is None else (first.platform, first.merchant_id)
        rows: Row = [ENCODING, policies, base, [self._click_row(click, base) for click in journey.clicks.values()]]
        if journey.entries or journey.steps or journey.actions or journey.lost:
            rows += (
                [self._entry_row(entry, base, shop) for entry in journey.entries.values()],
                [self._step_row(step, base, shop) for step in journey.steps.values()],
                [self._action_row(action, base, shop) for action in journey.actions.values()],
                [self._lost_row(fact, base) for fact in journey.lost],
            )
            while not rows[-1]:
                rows.pop()
        return _pack(rows)

    def pack_lone_click(self, click: Click, policies: int) -> bytes:
        """As `pack` of a journey of this one click, in half its time; most journeys are that."""
        return _pack([ENCODING, policies, click.at_ms, [self._click_row(click, click.at_ms)]])

    def unpack(self, token: str, value: bytes) -> tuple[Journey, int]:
        """The journey and the number of policies it was computed under; LaneStopped when it cannot be read."""
        try:
            rows = _unpack(value)
            if rows[0] not in (ENCODING, WITHOUT_PLACEMENTS):
                raise LaneStopped(
                    f"journey {token} is stored in encoding {rows[0]}, this version reads {ENCODING}: "
                    "run a newer Redcat"
                )
            return self._read_journey(token, rows), rows[1]
        except UNREADABLE as error:
            raise LaneStopped(f"journey {token} cannot be read from the store: {error!r}") from error

    def _click_row(self, click: Click, base: int) -> Row:
        row: Row = [pack_id(click.event_id), click.at_ms - base, self.words.place(click)]
        if click.boost_id is not None:
            row.append(self._code(click.boost_id))
        return row

    def _entry_row(self, entry: Entry, base: int, shop: Shop) -> Row:
        row: Row = [pack_id(entry.event_id), entry.at_ms - base]
        return row if shop == (entry.platform, entry.merchant_id) else row + self._shop(entry)

    def _action_row(self, action: Action, base: int, shop: Shop) -> Row:
        row: Row = [pack_id(action.event_id), action.at_ms - base, _ACTIONS.index(action.action)]
        return row if shop == (action.platform, action.merchant_id) else row + self._shop(action)

    def _step_row(self, step: Step, base: int, shop: Shop) -> Row:
        row: Row = [pack_id(step.event_id), step.at_ms - base, pack_id(step.order_id), _STATUS_CODES[step.status]]
        if shop != (step.platform, step.merchant_id):
            row += self._shop(step)
        if step.currency is not None:
            row.append([step.amount_minor, self._code(step.currency)])
        if step.refund_id is not None:
            row.append(pack_id(step.refund_id))
        return row

    def _shop(self, fact: Entry | Action | Step) -> Row:
        return [self._code(fact.platform), self._code(fact.merchant_id)]

    def _lost_row(self, fact: Fact, base: int) -> Row:
        if isinstance(fact, Click):
            return [0, self._click_row(fact, base)]
        if isinstance(fact, Entry):
            return [1, self._entry_row(fact, base, None)]
        if isinstance(fact, Step):
            return [2, self._step_row(fact, base, None)]
        return [3, self._action_row(fact, base, None)]

    def _read_journey(self, token: str, rows: Row) -> Journey:
        if rows[0] == WITHOUT_PLACEMENTS:
            _place_clicks(rows)
        base, count = rows[2], len(rows)
        clicks = [self._read_click(token, row, base) for row in rows[CLICKS]] if count > CLICKS else []
        shop = (clicks[0].platform, clicks[0].merchant_id) if clicks else None
        journey = Journey(clicks={click.event_id: click for click in clicks})
        if count > ENTRIES:
            entries = [self._read_entry(token, row, base, shop) for row in rows[ENTRIES]]
            journey.entries = {entry.event_id: entry for entry in entries}
        if count > STEPS:
            steps = [self._read_step(token, row, base, shop) for row in rows[STEPS]]
            journey.steps = {step.event_id: step for step in steps}
        if count > ACTIONS:
            actions = [self._read_action(token, row, base, shop) for row in rows[ACTIONS]]
            journey.actions = {action.event_id: action for action in actions}
        if count > LOST:
            journey.lost = [self._read_lost(token, kind, row, base) for kind, row in rows[LOST]]
        return journey

    def _read_click(self, token: str, row: Row, base: int) -> Click:
        fields: Any = *self.words.placement(row[2]), self._text(row[3]) if len(row) > 3 else None
        return Click(token, unpack_id(row[0]), base + row[1], *fields)

    def _read_entry(self, token: str, row: Row, base: int, shop: Shop) -> Entry:
        return Entry(token, unpack_id(row[0]), base + row[1], *self._read_shop(row[2:4], shop))

    def _read_action(self, token: str, row: Row, base: int, shop: Shop) -> Action:
        action: Any = _ACTIONS[row[2]]
        return Action(token, unpack_id(row[0]), base + row[1], *self._read_shop(row[3:5], shop), action)

    def _read_step(self, token: str, row: Row, base: int, shop: Shop) -> Step:
        event, at, order, status, *others = row
        own: Row = []
        if others and others[0].__class__ is not list:
            own, others = others[:2], others[2:]
        amount, currency = others[0] if others else (None, None)
        return Step(
            token, unpack_id(event), base + at, *self._read_shop(own, shop), unpack_id(order),
            _STATUSES[status],  # type: ignore[arg-type]
            amount, None if currency is None else self._text(currency),
            unpack_id(others[1]) if len(others) > 1 else None,
        )  # fmt: skip

    def _read_shop(self, packed: Row, shop: Shop) -> tuple[str, str]:
        if packed:
            return self._text(packed[0]), self._text(packed[1])
        if shop is None:
            raise ValueError("a fact without shop and no click that has one")
        return shop

    def _read_lost(self, token: str, kind: int, row: Row, base: int) -> Fact:
        if kind == 0:
            return self._read_click(token, row, base)
        if kind == 1:
            return self._read_entry(token, row, base, None)
        if kind == 2:
            return self._read_step(token, row, base, None)
        return self._read_action(token, row, base, None)


def _place_clicks(rows: Row) -> None:
    """Bring the rows of clicks that have no placement into the present form."""
    lost = [row for kind, row in rows[LOST] if kind == 0] if len(rows) > LOST else []
    for row in [*(rows[CLICKS] if len(rows) > CLICKS else ()), *lost]:
        fields = [*row[2:], *[None] * (11 - len(row))]
        row[2:] = [fields[:8]] if fields[8] is None else [fields[:8], fields[8]]


def _visits(journey: Journey) -> Iterator[Entry | Action | Step]:
    yield from journey.entries.values()
    yield from journey.steps.values()
    yield from journey.actions.values()
