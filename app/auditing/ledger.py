"""The ledger by itself: every record consumed stands in one line, every fact in one outcome.  Pure.

All of it holds within each lane at any moment, so these checks need no lane to stand still.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from app.auditing.problems import Problems
from streams.topics import METRIC_TOPICS, NOTE_METRIC, SHOP_ACTION, SHOP_ENTRY, TOKEN_TOPICS, topics_of

Lines = Mapping[str, int]

ABSORBED: Final = {
    **dict.fromkeys(TOKEN_TOPICS, ("distinct", "duplicates")),
    **dict.fromkeys(METRIC_TOPICS, ("absorbed",)),
}
"""What a record that was neither invalid nor forwarded may have been, by topic."""

NUMBERS: Final = {
    **dict.fromkeys(TOKEN_TOPICS, ("consumed", "distinct", "duplicates", "conflicts", "forwarded")),
    **dict.fromkeys(METRIC_TOPICS, ("consumed", "absorbed", "forwarded")),
}
"""The plain numbers of a topic; invalid records stand beside them by code."""

KINDS: Final = {SHOP_ENTRY: ("entry",), SHOP_ACTION: ("favourite", "cart")}
"""Topics whose every distinct fact has an outcome, and of what kinds."""


def summed(lanes: Iterable[Lines]) -> dict[str, int]:
    """The lines of several lanes together, zeros left out."""
    sums: dict[str, int] = {}
    for lines in lanes:
        for line, count in lines.items():
            sums[line] = sums.get(line, 0) + count
    return {line: count for line, count in sums.items() if count}


def told(lines: Lines, orders_reused: int) -> dict[str, Any]:
    """The ledger as `redcat audit --json` tells it; the plain numbers of every topic are there, also when 0."""
    topics: dict[str, dict[str, Any]] = {}
    for topic, names in NUMBERS.items():
        numbers: dict[str, Any] = {name: lines.get(f"{topic}:{name}", 0) for name in names}
        topics[topic] = numbers | {"invalid": _below(lines, f"{topic}:invalid/")}
    outcomes: dict[str, dict[str, int]] = {}
    for line, count in sorted(_below(lines, "outcome:").items()):
        kind, _, outcome = line.partition(":")
        outcomes.setdefault(kind, {})[outcome] = count
    seen = {"currency_mismatch": lines.get("currency_mismatch", 0), "order_reused": orders_reused}
    return {"topics": topics, "outcomes": outcomes, "seen": seen}


def check_ledgers(problems: Problems, lanes: Sequence[Lines], partitions: int) -> None:
    """Look whether the ledger of each lane balances and every fact in it has one outcome."""
    for lane, lines in enumerate(lanes):
        for topic in topics_of(lane, partitions):
            _check_balance(problems, lane, topic, lines)
            if topic in KINDS:
                _check_buckets(problems, lane, topic, lines)


def _check_balance(problems: Problems, lane: int, topic: str, lines: Lines) -> None:
    names = (*ABSORBED[topic], "forwarded")
    placed = sum(lines.get(f"{topic}:{name}", 0) for name in names) + sum(_below(lines, f"{topic}:invalid/").values())
    consumed = lines.get(f"{topic}:consumed", 0)
    if consumed != placed:
        problems.add("balance", found=placed, expected=consumed, lane=lane, topic=topic, names=_plus(topic))
    conflicts, duplicates = lines.get(f"{topic}:conflicts", 0), lines.get(f"{topic}:duplicates", 0)
    if topic != NOTE_METRIC and conflicts > duplicates:
        problems.add("conflicts", found=conflicts, expected=duplicates, lane=lane, topic=topic)


def _check_buckets(problems: Problems, lane: int, topic: str, lines: Lines) -> None:
    kinds = KINDS[topic]
    outcomes = sum(sum(_below(lines, f"outcome:{kind}:").values()) for kind in kinds)
    distinct = lines.get(f"{topic}:distinct", 0)
    if outcomes != distinct:
        problems.add("buckets", found=outcomes, expected=distinct, lane=lane, topic=topic, kinds=" + ".join(kinds))


def _plus(topic: str) -> str:
    return " + ".join((*ABSORBED[topic], "invalid", "forwarded"))


def _below(lines: Lines, prefix: str) -> dict[str, int]:
    """The lines that begin with a prefix, without it and without zeros."""
    return {line.removeprefix(prefix): count for line, count in lines.items() if line.startswith(prefix) and count}
