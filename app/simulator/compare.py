"""What Redcat shows against the truth; every difference in plain words, none when all is right."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.simulator.truth import compact
from app.simulator.truth_file import Truth

_MONEY = ("gross_minor", "refunded_minor", "net_minor")


def compare_counters(truth: Truth, notes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Differences of the counters of all notes, shaped as in `redcat counters --json` under `notes`."""
    differences = []
    for note_id in sorted({*truth.notes, *notes}):
        right, shown = _flat(truth.notes.get(note_id, {})), _flat(notes.get(note_id, {}))
        differences += [f"note {note_id}: {one}" for one in _unequal(right, shown)]
    return differences


def compare_ledger(truth: Truth, ledger: Mapping[str, Any]) -> list[str]:
    """Differences of `topics`, `outcomes` and `seen`, shaped as in `redcat audit --json`."""
    differences = []
    for topic, right in truth.topics.items():
        differences += [f"{topic}: {one}" for one in _unequal(_flat(right), _flat(ledger["topics"].get(topic, {})))]
    for name, counts in (("outcomes", truth.outcomes), ("seen", truth.seen)):
        differences += [f"{name}: {one}" for one in _unequal(_flat(counts), _flat(ledger[name]))]
    return differences


def kept(value: bytes, *, full: bool) -> bytes:
    """What of a record of the topic `conversion` is compared: its fields but for the revision, or a digest of them."""
    fields: dict[str, Any] = orjson.loads(value)
    del fields["revision"]
    if fields["kind"] != "order" or fields["outcome"] == "void":
        # Money is of orders only; elsewhere 0 and null are the same.
        fields |= {name: fields.get(name) or None for name in _MONEY}
    return compact(fields, full=full)


def compare_results(truth: Truth, latest: Mapping[str, bytes]) -> list[str]:
    """Differences of the results with the greatest revisions, by identity ("TOKEN RESULT_ID"), each as `kept`."""
    differences = []
    may_be_void = set(truth.may_be_void)
    for identity, shown in latest.items():
        right = truth.results.get(identity)
        if right is None and identity in may_be_void:
            right = _void(identity, full=truth.full_results)
        if right is None:
            differences.append(f"{identity}: there should be no such result")
        elif shown != right:
            differences.append(f"{identity}: {_explain(truth, right, shown)}")
    missing = truth.results.keys() - latest.keys()
    return differences + [f"{identity}: missing" for identity in sorted(missing)]


def _void(identity: str, *, full: bool) -> bytes:
    token, _, result_id = identity.partition(" ")
    fields = {"result_id": result_id, "kind": result_id.partition(":")[0], "token": token}
    return compact({**fields, "outcome": "void", "reason": "superseded"}, full=full)


def _explain(truth: Truth, right: bytes, shown: bytes) -> str:
    if not truth.full_results:
        return "a field is wrong; a truth with full results says which"
    return "; ".join(_unequal(orjson.loads(right), orjson.loads(shown)))


def _flat(counters: Mapping[str, Any]) -> dict[str, int]:
    """Nested counters by names such as gross_minor.CNY, zeros left out."""
    flat: dict[str, int] = {}
    for name, value in counters.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{below}": count for below, count in _flat(value).items()}
        elif value:
            flat[name] = value
    return flat


def _unequal(right: Mapping[str, Any], shown: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} is {shown.get(name, 'absent')}, should be {right.get(name, 'absent')}"
        for name in sorted({*right, *shown})
        if right.get(name) != shown.get(name)
    ]
