"""What detectors have learnt, as bytes, so that an evaluator that begins goes on where the one before it ended.

Beside what is normal and the evidence so far it holds what all counters stood at: what is counted until somebody looks
again comes to that one as a single step.  It fits the rules as far as these look at the same things in the same way;
thresholds, severities and the like may have changed.
"""

import zlib
from collections.abc import Iterator
from dataclasses import fields
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np

from app.alerts.maturing import CLASSES
from app.alerts.model import Array, Metric, Scope
from app.alerts.observing import Observer
from app.alerts.rates_known import Known
from app.alerts.rules import Rules
from app.alerts.state import State
from app.alerts.watch import MINUTE_MS, Watch

VERSION: Final = 2
OLDEST_MIN: Final = 180.0  # hours of the series tell more than what is older
EXACT: Final = frozenset(("since_min", "seen_min", "held_until_min", "totals"))  # others need seven digits
"""Arrays that are kept with all their digits: times, and money."""

Place: TypeAlias = tuple[str, Any, str]
"""The name of an array or number, and the object and attribute that hold it."""


class Packed(NamedTuple):
    """An array as bytes."""

    shape: tuple[int, ...]
    kind: str
    data: bytes


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it."""

    at_ms: int
    scopes: list[tuple[str, str]]  # kind and id
    watched: list[int]  # of these, in the order of the state's rows
    within: list[list[int]]
    observed: list[int]  # in the order of the observer's rows
    columns: list[str]
    arrays: dict[str, Packed]
    numbers: dict[str, Any]
    categories: dict[Metric, list[str]]
    curves: dict[Metric, list[tuple[str | None, list[float]]]]
    late: list[tuple[str, str, str]]  # rule, kind and id
    late_since_ms: list[tuple[str, str, int]]
    heard_ms: dict[str, int]  # when each platform was heard of last


def shape_of(rules: Rules) -> str:
    """What must be equal for memory to fit: what rules look at, and the changes that they are tuned to."""
    looked_at = [
        (rule.name, rule.metric, rule.reason, rule.direction, rule.changes, rule.scopes) for rule in rules.rules
    ]
    return blake2b(msgspec.json.encode(looked_at), digest_size=8).hexdigest()


def packed(state: State, observer: Observer) -> bytes:
    """What both remember; of a state that was evaluated."""
    if state.at_ms is None:
        raise ValueError("there is nothing to remember yet")
    scopes = dict.fromkeys([*state.table.scopes, *observer.scopes.scopes])
    numbers = {scope: number for number, scope in enumerate(scopes)}
    stored = Stored(
        at_ms=state.at_ms,
        scopes=[(scope.kind, scope.id) for scope in scopes],
        watched=[numbers[scope] for scope in state.table.scopes],
        within=[[numbers[one] for one in larger if one in numbers] for larger in state.table.within],
        observed=[numbers[scope] for scope in observer.scopes.scopes],
        columns=list(observer.columns.by_name),
        arrays={name: _pack(getattr(holder, of), of) for name, holder, of in _arrays(state, observer)},
        numbers={name: getattr(holder, of) for name, holder, of in _numbers(state, observer)},
        categories={metric: seen.categories for metric, seen in state.maturing.seen.items()},
        curves={
            metric: [(scope and scope.id, weights.tolist()) for scope, weights in curves.items()]
            for metric, curves in state.curves.items()
        },
        late=[(rule, scope.kind, scope.id) for rule, scope in sorted(state.late)],
        late_since_ms=[(scope.kind, scope.id, ms) for scope, ms in state.late_since_ms.items()],
        heard_ms=observer.lateness.newest_ms,
    )  # fmt: skip
    head = f"{VERSION} {shape_of(state.rules)}\n".encode()
    return head + zlib.compress(msgspec.msgpack.encode(stored), 1)


def unpacked(memory: bytes, rules: Rules, at_ms: int) -> tuple[State, Observer] | None:
    """The state and observer that go on; None if they are of another version or of other rules, or too old."""
    head, _, body = memory.partition(b"\n")
    if head != f"{VERSION} {shape_of(rules)}".encode():
        return None
    try:
        stored = msgspec.msgpack.decode(zlib.decompress(body), type=Stored)
        if not 0 <= at_ms - stored.at_ms <= OLDEST_MIN * MINUTE_MS:
            return None
        return _restored(stored, rules)
    except (zlib.error, msgspec.DecodeError, KeyError, IndexError, ValueError):
        return None


def _restored(stored: Stored, rules: Rules) -> tuple[State, Observer]:
    state, observer = State(rules), Observer()
    scopes = [msgspec.convert(one, Scope) for one in stored.scopes]
    larger = [tuple(scopes[number] for number in some) for some in stored.within]
    state.at_ms = stored.at_ms
    state.table.fill([scopes[number] for number in stored.watched], larger)
    state.resize(np.zeros(0, np.intp), stored.at_ms / MINUTE_MS)
    observer.scopes, observer.columns = type(observer.scopes)(), type(observer.columns)()
    for number in stored.observed:
        observer.scopes.row(scopes[number])
    for name in stored.columns:
        observer.columns.column(name)
    for metric, categories in stored.categories.items():
        seen = state.maturing.seen[metric]
        seen.categories = categories
        seen.sums, seen.looks = np.zeros((len(categories), 3, CLASSES)), np.zeros(len(categories))
    # Of scopes and counters that came after the last look nothing is known yet.
    observer.totals, observer.recent = (np.zeros(stored.arrays[name].shape) for name in ("totals", "recent"))
    _fill(state, observer, stored)
    return state, observer


def _fill(state: State, observer: Observer, stored: Stored) -> None:
    for name, holder, of in _numbers(state, observer):
        setattr(holder, of, stored.numbers[name])
    for metric, some in stored.curves.items():
        state.set_delays(
            metric, {None if name is None else Scope("category", name): np.array(weights) for name, weights in some}
        )
    places = list(_arrays(state, observer))
    if {name for name, _, _ in places} != stored.arrays.keys():
        raise ValueError("these are other arrays")
    for name, holder, of in places:
        values = _unpack(stored.arrays[name])
        if values.shape != getattr(holder, of).shape:
            raise ValueError(f"{name} has another shape")
        setattr(holder, of, values)
    for rates in state.rates.values():
        rates.refresh()
    state.late = {(rule, msgspec.convert((kind, name), Scope)) for rule, kind, name in stored.late}
    state.late_since_ms = {msgspec.convert((kind, name), Scope): ms for kind, name, ms in stored.late_since_ms}
    observer.lateness.newest_ms = stored.heard_ms


def _arrays(state: State, observer: Observer) -> Iterator[Place]:
    yield "seen", state.table, "seen_min"
    yield "held", state, "held_until_min"
    yield "totals", observer, "totals"
    yield "recent", observer, "recent"
    for metric, seen in state.maturing.seen.items():
        yield f"{metric} cohorts", seen, "sums"
        yield f"{metric} looks", seen, "looks"
    for (metric, reason), rates in state.rates.items():
        start = f"{metric} {reason}"
        yield f"{start} season", rates.season, "sums"
        yield from _of(start, rates.known, Known)
        for watch in rates.watches:
            yield from _of_watch(watch)
    for volume, volumes in state.volumes.items():
        yield from _of(f"{volume} season", volumes.season, type(volumes.season))
        yield from _of(volume, volumes.now, type(volumes.now))
        for watch in volumes.watches:
            yield from _of_watch(watch)


def _of(start: str, holder: object, kind: Any) -> Iterator[Place]:
    # Weights follow from the curves.
    names = [field.name for field in fields(kind) if field.name not in ("weights", "together")]
    yield from ((f"{start} {name}", holder, name) for name in names)


def _of_watch(watch: Watch) -> Iterator[Place]:
    start = f"rule {watch.rule.name}"
    yield from _of(start, watch.runs, type(watch.runs))
    yield from ((f"{start} {name}", watch, name) for name in ("answered", "needed", "drift"))


def _numbers(state: State, observer: Observer) -> Iterator[Place]:
    for name in ("disturbed_until_min", "judging_from_ms", "promotion_ms", "settled_min", "matured_hour"):
        yield name, state, name
    yield "looked", observer, "seen_min"
    for metric, seen in state.maturing.seen.items():
        yield f"{metric} at", seen, "at_min"
        yield f"{metric} oldest", seen, "oldest_min"
    for (metric, reason), rates in state.rates.items():
        for name in ("fast", "watched_min", "awake"):
            yield f"{metric} {reason} {name}", rates, name
    for volume, volumes in state.volumes.items():
        yield f"{volume} promotion", volumes, "promotion"


def _pack(values: Array, name: str) -> Packed:
    kind = values.dtype if values.dtype != np.float64 or name in EXACT else np.dtype(np.float32)
    return Packed(values.shape, kind.str, np.ascontiguousarray(values, kind).tobytes())


def _unpack(values: Packed) -> Any:
    found = np.frombuffer(values.data, np.dtype(values.kind)).reshape(values.shape)
    return found.astype(np.float64) if found.dtype == np.float32 else found.copy()
