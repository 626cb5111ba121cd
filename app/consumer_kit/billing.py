"""An example of a consumer: what each note has brought, per currency, exact through its own kill -9.

    python -m app.consumer_kit.billing billing.sqlite

It follows the topic until Ctrl-C and then prints a statement, `--until-end` stops at the present end of the topic,
`--statement` only prints.  To make it yours copy this file and conversions.py.

State, totals and positions live in one SQLite file and change in one transaction per batch.  Killed anywhere, it goes
on from the last transaction; Kafka keeps no offsets for it and there is no group to rebalance.  One process reads all
partitions.  If that is too slow, start several with other `--partitions` and a database each: an identity never
changes its partition, so what they have apart adds up.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError

from app.consumer_kit.conversions import BATCH_RECORDS, Batch, SqliteState, book, reading

# Strict, which needs SQLite 3.37: a sum beyond 64 bits is an error then and not a rounded number.
TOTALS = (
    "CREATE TABLE IF NOT EXISTS totals (note_id TEXT, currency TEXT, orders INTEGER NOT NULL,"
    " gross_minor INTEGER NOT NULL, refunded_minor INTEGER NOT NULL, PRIMARY KEY (note_id, currency)) STRICT"
)
POSITIONS = (
    "CREATE TABLE IF NOT EXISTS positions (topic TEXT, partition INTEGER, position INTEGER NOT NULL,"
    " PRIMARY KEY (topic, partition)) STRICT"
)
ADD = (
    "INSERT INTO totals VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET orders = orders + excluded.orders,"
    " gross_minor = gross_minor + excluded.gross_minor, refunded_minor = refunded_minor + excluded.refunded_minor"
)
BUSY_S = 30.0


class Line(NamedTuple):
    """One line of a statement, in minor units of the currency."""

    note_id: str
    currency: str
    orders: int
    gross_minor: int
    refunded_minor: int


class Bills:
    """What a topic's results amount to, in a database in autocommit mode."""

    def __init__(self, database: sqlite3.Connection, topic: str) -> None:
        """Raises ValueError if the database belongs to another topic."""
        self.topic = topic
        self._database = database
        database.execute("PRAGMA journal_mode = WAL")  # who prints a statement does not stop who books
        with self._transaction():
            database.execute(TOTALS)
            database.execute(POSITIONS)
            self._state = SqliteState(database)
            other = database.execute("SELECT topic FROM positions WHERE topic <> ?", (topic,)).fetchone()
        if other:
            raise ValueError(f"this database has the bills of topic {other[0]}, not of {topic}")

    def positions(self) -> dict[int, int]:
        """By partition, where to go on reading."""
        return dict(self._database.execute("SELECT partition, position FROM positions"))

    def take(self, batch: Batch) -> None:
        """Book a batch: state, totals and positions, all or nothing."""
        places = [(self.topic, partition, position) for partition, position in batch.positions.items()]
        with self._transaction():
            changes = book(self._state, batch.values)
            self._database.executemany(ADD, [change[:5] for change in changes])
            self._database.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", places)

    def statement(self) -> list[Line]:
        """All totals that are not zero, by note and currency."""
        rows = self._database.execute(
            "SELECT * FROM totals WHERE orders OR gross_minor OR refunded_minor ORDER BY note_id, currency"
        )
        return [Line(*row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        # Immediate: what was read of the state must still hold when the totals are written.
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


async def bill(
    bills: Bills, kafka: Mapping[str, Any], *, partitions: Iterable[int] | None, until_end: bool, most: int
) -> None:
    """Book what comes, for ever or up to the end that the topic has now; `kafka` are aiokafka's settings."""
    async with reading(bills.topic, bills.positions(), partitions=partitions, **kafka) as reader:
        ends = await reader.ends() if until_end else None
        async for batch in reader.batches(ends, most):
            bills.take(batch)


def report(statement: Iterable[Line]) -> str:
    """A statement as JSON: {NOTE: {CURRENCY: {"orders": N, "gross_minor": N, "refunded_minor": N}}}."""
    notes: dict[str, dict[str, dict[str, int]]] = {}
    for line in statement:
        amounts = {"orders": line.orders, "gross_minor": line.gross_minor, "refunded_minor": line.refunded_minor}
        notes.setdefault(line.note_id, {})[line.currency] = amounts
    return json.dumps(notes)


def table(statement: Iterable[Line]) -> str:
    """A statement for people, in minor units."""
    rows = [f"{'note':<24} {'':3} {'orders':>9} {'gross':>18} {'refunded':>18} {'net':>18}"]
    for note_id, currency, orders, gross, refunded in statement:
        rows.append(f"{note_id:<24} {currency} {orders:>9,} {gross:>18,} {refunded:>18,} {gross - refunded:>18,}")
    return "\n".join(rows)


def main() -> None:
    """Bill as the arguments say; exit status 0 good, 1 failed, 2 wrong use."""
    wanted = _arguments()
    with closing(sqlite3.connect(wanted.database, timeout=BUSY_S, isolation_level=None)) as database:
        try:
            bills = Bills(database, wanted.topic)
            if not wanted.statement:
                _bill_until_stopped(bills, wanted)
            statement = bills.statement()
        except (KafkaError, sqlite3.Error, ValueError) as error:
            sys.exit(f"billing: {error}")
    print(report(statement) if wanted.json else table(statement))


def _bill_until_stopped(bills: Bills, wanted: argparse.Namespace) -> None:
    kafka = {"bootstrap_servers": wanted.kafka}
    billing = bill(bills, kafka, partitions=wanted.partitions, until_end=wanted.until_end, most=wanted.batch)
    with suppress(KeyboardInterrupt):
        asyncio.run(billing)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="billing", description="Bill what notes have brought, per currency.")
    parser.add_argument("database", help="the SQLite file")
    parser.add_argument("--kafka", default=os.environ.get("REDCAT_KAFKA", "127.0.0.1:9092"), help="bootstrap servers")
    parser.add_argument("--topic", default=os.environ.get("REDCAT_TOPIC_PREFIX", "") + "conversion")
    parser.add_argument("--partitions", type=int, nargs="+", metavar="N", help="these only; without it all")
    parser.add_argument("--batch", type=int, default=BATCH_RECORDS, metavar="N", help="most records in a transaction")
    parser.add_argument("--until-end", action="store_true", help="stop at the present end of the topic")
    parser.add_argument("--statement", action="store_true", help="book nothing, print what is booked")
    parser.add_argument("--json", action="store_true", help="the statement as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
