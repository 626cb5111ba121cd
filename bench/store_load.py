"""What a lane brings to the store: batches as the simulator's traffic makes them, without the traffic."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from streams.commits import Commit, Increments, Journeys
from streams.records import Entry, LastRecord, Marker, ResultRecord, Tip

EVENTS, JOURNEYS, COUNTERS, NOTES = 2_000, 1_900, 600, 3_000
TOPICS = ("click-out", "order", "shop-action", "shop-entry")
NAMES = (
    *("clicks", "entries", "orders", "orders_pending", "clicks_entered", "clicks_ordered"),
    *("gross_minor:CNY", "refunded_minor:CNY", "refused:entry/window_passed"),
)
DAY_MS = 86_400_000
AT_MS = 1_750_000_000_000


class Load(NamedTuple):
    """The journeys to load for a batch, and the commit that follows."""

    tokens: list[str]
    commit: Commit


def loads(seed: int) -> Iterator[Load]:
    """Batches without end: half of the journeys new, 70 to 110 bytes each, notes of Zipf popularity."""
    rng = random.Random(seed)
    seen: list[str] = []
    note_ids = [f"note-{rng.randrange(10**9):09d}" for _ in range(NOTES)]
    notes = {note_id: [_cell(rng) for _ in range(rng.choice((1, 1, 2, 3)))] for note_id in note_ids}
    while True:
        fresh = [rng.randbytes(16).hex() for _ in range(JOURNEYS // 2)]
        tokens = fresh + rng.sample(seen, min(len(seen), JOURNEYS - len(fresh)))
        seen += fresh
        yield Load(tokens, _commit(rng, tokens, len(seen), notes))


def on_tip(commit: Commit, tip: Tip, published: Tip | None) -> Commit:
    """The commit as the owner at `tip` makes it."""
    entry = commit.entry
    if entry is not None:
        entry = entry._replace(marker=entry.marker._replace(tip=Tip(tip.nonce, tip.sequence + 1)))
    return commit._replace(entry=entry, trim=published)


def _commit(rng: random.Random, tokens: list[str], offset: int, notes: dict[str, list[str]]) -> Commit:
    values = [rng.randbytes(rng.randint(70, 110)) for _ in tokens]
    with_order = len(tokens) * 3 // 4
    positions = dict.fromkeys(TOPICS, offset)
    return Commit(
        positions=positions,
        policies=[1],
        parked={},
        last_records={topic: LastRecord(offset, AT_MS, 1) for topic in TOPICS},
        spent=offset,
        journeys=[
            Journeys(16 * DAY_MS, tokens[:with_order], values[:with_order]),
            Journeys(180 * DAY_MS, tokens[with_order:], values[with_order:]),
        ],
        words=[],
        increments=Increments(_changes(rng, notes), {f"{topic}:consumed": EVENTS // 4 for topic in TOPICS}),
        entry=Entry(Marker(Tip("", 0), positions, [1], {}), AT_MS, [_result(rng, tokens) for _ in range(EVENTS)], []),
        trim=None,
    )


def _changes(rng: random.Random, notes: dict[str, list[str]]) -> dict[str, dict[str, dict[str, int]]]:
    names = list(notes)
    changes: dict[str, dict[str, dict[str, int]]] = {}
    count = 0
    while count < COUNTERS:
        note = names[min(len(names), int(rng.paretovariate(0.6))) - 1]
        counters = changes.setdefault(note, {}).setdefault(rng.choice(notes[note]), {})
        name = rng.choice(NAMES)
        count += name not in counters
        counters[name] = rng.randint(1, 50)
    return changes


def _result(rng: random.Random, tokens: list[str]) -> ResultRecord:
    """A result of about 300 bytes, its key and id included."""
    event_id, value = f"entry:{rng.randrange(10**12)}@1", rng.randbytes(110).hex().encode()
    return ResultRecord(rng.choice(tokens).encode(), event_id, "entry", value)


def _cell(rng: random.Random) -> str:
    platform = rng.choice(("taobao", "tmall", "jd"))
    return f"c{rng.randrange(50)}|m{rng.randrange(400)}|{platform}|fmcg.skincare|note|ad"
