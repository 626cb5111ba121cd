"""A recorded topic with known totals: all stories woven into each other, and a thousand orders told in no order."""

import random
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from app.consumer_kit.published import Amounts, Record, Totals, Transaction, abort, commit, order, without_money
from app.consumer_kit.stories import STORIES
from streams.core.results import Published

SEED: Final = 618
ORDERS: Final = 1_000
NOTES: Final = 40
RECORDS: Final = 100  # in a transaction
HIGHEST_REVISION: Final = 500
CURRENCIES: Final = ("CNY", "CNY", "CNY", "USD")
STATES: Final[tuple[Published, ...]] = (
    *("credited", "credited", "credited", "credited"),
    *("refused", "pending", "held", "withdrawn", "void"),
)
POINT: Final = "of a thousand orders, each told several times in no order, the greatest revision of each counts"


class Recording:
    """The same records in the same order, wherever it is made."""

    def __init__(self) -> None:
        self.totals: Totals = {note: total for story in STORIES for note, total in story.totals.items()}
        self.points = {note: story.point for story in STORIES for note in story.totals}
        self.transactions = [*_stories(), *self._many_orders()]

    @property
    def records(self) -> int:
        """How many there are, aborted ones included."""
        return sum(len(transaction.records) for transaction in self.transactions)

    def _many_orders(self) -> Iterator[Transaction]:
        chance = random.Random(SEED)
        told: list[Record] = []
        for number in range(ORDERS):
            revisions = sorted(chance.sample(range(1, HIGHEST_REVISION), chance.randint(1, 4)))
            told += [self._told(chance, number, revision) for revision in revisions[:-1]]
            told.append(self._told(chance, number, revisions[-1], last=True))
        told += chance.sample(told, len(told) // 4)
        chance.shuffle(told)
        for first in range(0, len(told), RECORDS):
            yield abort(*(_never(chance, number) for number in range(RECORDS // 10)))
            yield commit(*told[first : first + RECORDS])
        # What a partition ends with is aborted: who waits for a record at its end waits for ever.
        yield abort(*(_never(chance, number) for number in range(RECORDS)))

    def _told(self, chance: random.Random, number: int, revision: int, *, last: bool = False) -> Record:
        """Some state of an order; the last one counts."""
        note, state = f"many-{chance.randrange(NOTES):02}", chance.choice(STATES)
        self.points[note] = POINT
        totals = self.totals.setdefault(note, {})
        if state != "credited":
            return without_money(note, revision, state, of=_identity(number))
        currency, gross = chance.choice(CURRENCIES), chance.randint(0, 100_000)
        refunded = chance.choice((0, 0, chance.randint(0, gross)))
        if last:
            before = totals.get(currency, Amounts())
            totals[currency] = Amounts(before.orders + 1, before.gross_minor + gross, before.refunded_minor + refunded)
        return order(note, revision, gross, refunded, of=_identity(number), currency=currency)


def _stories() -> Iterator[Transaction]:
    """The first transaction of every story, then the second of each, and so on."""
    for turn in zip_longest(*(story.told for story in STORIES)):
        told = [transaction for transaction in turn if transaction is not None]
        for made in (abort, commit):
            end = made().end
            records = [record for transaction in told if transaction.end == end for record in transaction.records]
            if records:
                yield made(*records)


def _never(chance: random.Random, number: int) -> Record:
    """Something that nobody will have said, and that would outdo whatever is said."""
    return order(f"many-{chance.randrange(NOTES):02}", HIGHEST_REVISION + number, 999, of=_identity(number))


def _identity(number: int) -> str:
    return f"t.many.{number} many.{number}"
