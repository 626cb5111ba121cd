"""JSON Schemas (2020-12) of the records that Redcat reads and writes, made from the very types that read and write."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from app.alerts.record import AlertRecord
from app.schemas import examples, fields, rules
from app.schemas.outputs import ALERT_TYPES, RESULT_TYPES, DeadLetterHeaders, ResultHeaders
from app.schemas.types import Schema, first_line, object_schema
from streams.core.facts import Action, Click, Entry, Step
from streams.core.metrics import NoteMetric
from streams.core.policy import Policy
from streams.core.results import Result
from streams.errors import Misconfigured

CONTRACT: Final = 1
"""Version of all schemas: a field that goes away or changes its meaning needs another one."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class Published(NamedTuple):
    """One kind of record: its name, and what its schema is made from."""

    name: str
    title: str
    kind: type[msgspec.Struct]
    about: str
    described: Mapping[str, str]
    examples: list[dict[str, Any]]
    rule: Callable[[Schema, dict[str, Schema]], None] | None = None
    narrowed: Mapping[str, Any] | None = None  # types that say more than those it is written with
    sparse: bool = False  # of what Redcat writes: fields that have nothing to say are left out


_FACT: Final = "Key: the token. JSON in UTF-8, at most 64 KiB; null equals absent, unknown fields are ignored."
_METRIC: Final = "Key: the note_id. JSON in UTF-8, at most 64 KiB; null equals absent, unknown fields are ignored."
_POLICY: Final = "Key: the version in decimal. Unknown fields are errors."
_RESULT: Final = "Key: the token. Ignore fields that you do not know; new kinds, outcomes and reasons may come."
_ALERT: Final = "Each record is a transition. Ignore fields that you do not know; new metrics and reasons may come."
_HEADERS: Final = "Each is UTF-8 text. Ignore headers that you do not know."

INPUTS: Final = (
    Published("click-out", "Click-out", Click, _FACT, fields.OF_FACTS, examples.CLICKS),
    Published("shop-entry", "Shop entry", Entry, _FACT, fields.OF_FACTS, examples.ENTRIES),
    Published("shop-action", "Shop action", Action, _FACT, fields.OF_FACTS, examples.ACTIONS),
    Published("order", "Order step", Step, _FACT, fields.OF_FACTS, examples.ORDERS, rules.of_orders),
    Published("note-metric", "Note metric", NoteMetric, _METRIC, fields.OF_METRICS, examples.METRICS),
    Published("policy", "Policy", Policy, _POLICY, fields.OF_POLICIES, examples.POLICIES, rules.of_policies),
)
"""What others write."""

OUTPUTS: Final = (
    Published(
        name="conversion",
        title="Result",
        kind=Result,
        about=_RESULT,
        described=fields.OF_RESULTS,
        examples=examples.RESULTS,
        rule=rules.of_results,
        narrowed=RESULT_TYPES,
    ),
    Published(
        name="conversion-headers",
        title="Headers of a result",
        kind=ResultHeaders,
        about=_HEADERS,
        described=fields.OF_RESULT_HEADERS,
        examples=examples.RESULT_HEADERS,
    ),
    Published(
        name="dead-letter-headers",
        title="Headers of a dead letter",
        kind=DeadLetterHeaders,
        about=_HEADERS,
        described=fields.OF_DEAD_LETTERS,
        examples=examples.DEAD_LETTERS,
    ),
    Published(
        name="alert",
        title="Alert",
        kind=AlertRecord,
        about=_ALERT,
        described=fields.OF_ALERTS,
        examples=examples.ALERTS,
        narrowed=ALERT_TYPES,
        sparse=True,
    ),
)
"""What Redcat writes."""


def schema_of(record: Published) -> Schema:
    """The schema of one kind of record."""
    defs: dict[str, Schema] = {}
    whole = record in OUTPUTS and not record.sparse
    schema = object_schema(record.kind, defs, record.described, narrowed=record.narrowed, whole=whole)
    if record.rule is not None:
        record.rule(schema, defs)
    head = {
        "$schema": DIALECT,
        "$id": f"urn:redcat:v{CONTRACT}:{record.name}",
        "title": record.title,
        "description": f"{first_line(record.kind)} {record.about}",
    }
    ordered = [{name: one[name] for name in schema["properties"] if name in one} for one in record.examples]
    return head | schema | ({"$defs": defs} if defs else {}) | {"examples": ordered}


def all_schemas() -> dict[str, Schema]:
    """Every schema by the name of its record."""
    return {record.name: schema_of(record) for record in (*INPUTS, *OUTPUTS)}


def as_text(schema: Schema) -> str:
    """A schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> None:
    """Write every schema to its file, NAME.json; Misconfigured if that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, schema in all_schemas().items():
            (folder / f"{name}.json").write_text(as_text(schema), encoding="utf-8")
    except OSError as error:
        raise Misconfigured(f"cannot write schemas to {folder}: {error}") from error


def read_schemas(folder: Path) -> dict[str, Schema]:
    """The schemas that were written to a folder; Misconfigured if there are none."""
    try:
        found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    except (OSError, ValueError) as error:
        raise Misconfigured(f"cannot read the schemas in {folder}: {error}") from error
    if not found:
        raise Misconfigured(f"there are no schemas in {folder}")
    return found
