"""Journeys as the store holds them: small, lossless and quick to read.

A journey is one msgpack array: encoding, number of policies it was computed under, base time, then one array of rows
per kind of fact and one of lost contents.  What comes again and again (notes, shops, categories, people) is one of the
lane's *words* and kept as its number; an id of hex digits, a UUID or a decimal number is kept as what it stands for;
times are relative to the base; a shop that is also the first click's is left out.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from streams.core.facts import Action, Click, Entry, Fact, Step
from streams.core.journey import Journey
from streams.errors import LaneStopped
from streams.words import Packed, Words, pack_id, unpack_id

ENCODING: Final = 1

UNREADABLE: Final = (
    *(msgspec.DecodeError, RecursionError, IndexError, TypeError, ValueError, AttributeError, KeyError, OverflowError),
)
"""What bytes that are no journey may raise."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Any]).decode

_STATUSES = ("deposit", "paid", "received", "settled", "closed", "refunded", "frozen", "unfrozen")
_STATUS_CODES = {name: code for code, name in enumerate(_STATUSES)}
_ACTIONS = ("favourite", "cart")
_ORIGINS = (("ad", "note"), ("ad", "comment"), ("ugc", "note"), ("ugc", "comment"))
_ORIGIN_CODES = {origin: code for code, origin in enumerate(_ORIGINS)}

Row = list[Any]


class JourneyCodec:
    """Packs and unpacks the journeys of a lane."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._code = words.code
        self._text: Any = words.text

    def pack(self, journey: Journey, policies: int) -> bytes:
        """The journey as bytes; `policies` is how many of the lane's policies its counters were computed under."""
        first = next(iter(journey.clicks.values()), None)
        if first is None:
            base, shop = next(_visits(journey)).at_ms, None
        else:
            base, shop = first.at_ms, (first.platform, first.merchant_id)
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
            if rows[0] != ENCODING:
                raise LaneStopped(
                    f"journey {token} is stored in encoding {rows[0]}, this version reads {ENCODING}: "
                    "run a newer Redcat"
                )
            return self._read_journey(token, rows), rows[1]
        except UNREADABLE as error:
            raise LaneStopped(f"journey {token} cannot be read from the store: {error!r}") from error

    def _click_row(self, click: Click, base: int) -> Row:
        _, event_id, at_ms, note_id, note_kind, link, *others = astuple(click)
        origin = _ORIGIN_CODES[note_kind, link]
        row: Row = [pack_id(event_id), at_ms - base, self._code(note_id), origin, *map(self._code, others)]
        while row[-1] is None:
            row.pop()
        return row

    def _shop(self, fact: Entry | Action | Step, shop: tuple[str, str] | None) -> tuple[Packed | None, ...]:
        if shop is not None and fact.merchant_id == shop[1] and fact.platform == shop[0]:
            return ()
        return self._code(fact.platform), self._code(fact.merchant_id)

    def _entry_row(self, entry: Entry, base: int, shop: tuple[str, str] | None) -> tuple[Any, ...]:
        return (pack_id(entry.event_id), entry.at_ms - base, *self._shop(entry, shop))

    def _action_row(self, action: Action, base: int, shop: tuple[str, str] | None) -> tuple[Any, ...]:
        return (
            pack_id(action.event_id), action.at_ms - base, _ACTIONS.index(action.action), *self._shop(action, shop),
        )  # fmt: skip

    def _step_row(self, step: Step, base: int, shop: tuple[str, str] | None) -> tuple[Any, ...]:
        row = (pack_id(step.event_id), step.at_ms - base, pack_id(step.order_id), _STATUS_CODES[step.status])
        if step.currency is None:
            return (*row, *self._shop(step, shop))
        money = (*row, *self._shop(step, shop), [step.amount_minor, self._code(step.currency)])
        return money if step.refund_id is None else (*money, pack_id(step.refund_id))

    def _lost_row(self, fact: Fact, base: int) -> tuple[Any, ...]:
        if isinstance(fact, Click):
            return (0, self._click_row(fact, base))
        if isinstance(fact, Entry):
            return (1, self._entry_row(fact, base, None))
        if isinstance(fact, Step):
            return (2, self._step_row(fact, base, None))
        return (3, self._action_row(fact, base, None))

    def _read_journey(self, token: str, rows: Row) -> Journey:
        base, count = rows[2], len(rows)
        clicks = [self._read_click(token, row, base) for row in rows[3]] if count > 3 else []
        shop = (clicks[0].platform, clicks[0].merchant_id) if clicks else None
        journey = Journey(clicks={click.event_id: click for click in clicks})
        if count > 4:
            entries = [self._read_entry(token, row, base, shop) for row in rows[4]]
            journey.entries = {entry.event_id: entry for entry in entries}
        if count > 5:
            steps = [self._read_step(token, row, base, shop) for row in rows[5]]
            journey.steps = {step.event_id: step for step in steps}
        if count > 6:
            actions = [self._read_action(token, row, base, shop) for row in rows[6]]
            journey.actions = {action.event_id: action for action in actions}
        if count > 7:
            journey.lost = [self._read_lost(token, kind, row, base) for kind, row in rows[7]]
        return journey

    def _read_click(self, token: str, row: Row, base: int) -> Click:
        event, at, note, origin, *others = row
        note_kind: Any
        link: Any
        note_kind, link = _ORIGINS[origin]
        text = self._text
        return Click(token, unpack_id(event), base + at, text(note), note_kind, link, *map(text, others))

    def _read_shop(self, packed: Row, shop: tuple[str, str] | None) -> tuple[str, str]:
        if packed:
            return self._text(packed[0]), self._text(packed[1])
        if shop is None:
            raise ValueError("a fact without shop and no click that has one")
        return shop

    def _read_entry(self, token: str, row: Row, base: int, shop: tuple[str, str] | None) -> Entry:
        return Entry(token, unpack_id(row[0]), base + row[1], *self._read_shop(row[2:4], shop))

    def _read_action(self, token: str, row: Row, base: int, shop: tuple[str, str] | None) -> Action:
        action: Any = _ACTIONS[row[2]]
        return Action(token, unpack_id(row[0]), base + row[1], *self._read_shop(row[3:5], shop), action)

    def _read_step(self, token: str, row: Row, base: int, shop: tuple[str, str] | None) -> Step:
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

    def _read_lost(self, token: str, kind: int, row: Row, base: int) -> Fact:
        if kind == 0:
            return self._read_click(token, row, base)
        if kind == 1:
            return self._read_entry(token, row, base, None)
        if kind == 2:
            return self._read_step(token, row, base, None)
        return self._read_action(token, row, base, None)


def _visits(journey: Journey) -> Iterator[Entry | Action | Step]:
    yield from journey.entries.values()
    yield from journey.steps.values()
    yield from journey.actions.values()
