"""What the released schemas promised is kept, and whatever would break a promise is told in a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from app import cli
from app.schemas.compatibility import breaks
from app.schemas.generation import OUTPUTS, all_schemas, read_schemas, write_schemas
from app.schemas.types import Schema

RELEASED: Final = Path(__file__).parents[2] / "docs" / "schemas" / "released"
SCHEMAS: Final = all_schemas()
WRITTEN: Final = {record.name for record in OUTPUTS}

Change = Callable[[Schema], Any]


def told(name: str, change: Change) -> list[str]:
    """What is said when one schema is changed."""
    changed: Schema = json.loads(json.dumps(SCHEMAS[name]))
    change(changed)
    return list(breaks({name: SCHEMAS[name]}, {name: changed}, outputs=WRITTEN))


def fields(schema: Schema) -> dict[str, Schema]:
    return schema["properties"]  # type: ignore[no-any-return]


def rule(schema: Schema, number: int = 0) -> dict[str, Schema]:
    return schema["allOf"][number]["then"]["properties"]  # type: ignore[no-any-return]


def test_the_released_schemas_are_kept() -> None:
    assert list(breaks(read_schemas(RELEASED), SCHEMAS, outputs=WRITTEN)) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_does_not_change_breaks_nothing(name: str) -> None:
    assert told(name, lambda _: None) == []


PERMITTED: Final[dict[str, tuple[str, Change]]] = {
    "a new optional field of an input": ("order", lambda s: fields(s).update(coupon_id={"type": "string"})),
    "a field that is not needed any more": ("order", lambda s: s["required"].remove("merchant_id")),
    "a field that may be null": (
        "click-out",
        lambda s: fields(s).update(category={"anyOf": [{"$ref": "#/$defs/id"}, {"type": "null"}]}),
    ),
    "a wider range": ("order", lambda s: s["$defs"]["amount_minor"].update(maximum=10**15)),
    "no limit at all": ("click-out", lambda s: s["$defs"]["time_ms"].pop("exclusiveMaximum")),
    "no pattern": ("click-out", lambda s: s["$defs"]["id"].pop("pattern")),
    "a new status": ("order", lambda s: fields(s)["status"]["enum"].append("split")),
    "any text instead of some words": ("order", lambda s: fields(s).update(status={"type": "string"})),
    "a rule less about an input": ("order", lambda s: s["allOf"].pop()),
    "unknown fields in policies": ("policy", lambda s: s.update(additionalProperties=True)),
    "a new field of policies": ("policy", lambda s: fields(s).update(holdout={"type": "number"})),
    "another description": ("order", lambda s: fields(s)["status"].update(description="Other words.")),
    "a new field of an output": ("conversion", lambda s: fields(s).update(model={"type": "string"})),
    "a new field that is always there": ("conversion", lambda s: s["required"].append("model")),
    "a new outcome": ("conversion", lambda s: fields(s)["outcome"]["enum"].append("shared")),
    "a new reason, for a refusal too": ("conversion", lambda s: rule(s, 4)["reason"]["enum"].append("too_early")),
    "a narrower range of an output": ("conversion", lambda s: s["$defs"]["amount_minor"].update(maximum=10**9)),
    "a rule more about an output": ("conversion", lambda s: s["allOf"].append({"if": {}, "then": {}})),
    "a new header": ("dead-letter-headers", lambda s: fields(s).update({"__dlq.error.field": {"type": "string"}})),
    "a new code": ("dead-letter-headers", lambda s: fields(s)["__dlq.error.code"]["enum"].append("too_old")),
}


@pytest.mark.parametrize("name", PERMITTED)
def test_schemas_may_gain_and_loosen(name: str) -> None:
    assert told(*PERMITTED[name]) == []


REFUSED: Final = "Producers that keep to the released schema would be refused or misunderstood."
SURPRISED: Final = "Readers that go by the released schema do not expect that."
FORBIDDEN: Final[list[tuple[str, Change, str]]] = [
    ("order", lambda s: fields(s).pop("refund_id"), f"order: refund_id: is gone. {REFUSED}"),
    ("order", lambda s: s["required"].append("currency"), f"order: currency: is needed now. {REFUSED}"),
    (
        "order",
        lambda s: s["$defs"]["amount_minor"].update(maximum=10**9),
        "order: amount_minor: maximum is 1000000000, it was 1000000000000. ",
    ),
    (
        "click-out",
        lambda s: s["$defs"]["time_ms"].update(minimum=10**12 + 1),
        "click-out: at_ms: minimum is 1000000000001, it was 1000000000000. ",
    ),
    (
        "click-out",
        lambda s: s["$defs"]["id"].update(pattern="^[a-z]+$"),
        'click-out: token: pattern is "^[a-z]+$", it was "^[A-Za-z0-9._~:@+-]{1,128}$". ',
    ),
    ("click-out", lambda s: s["$defs"]["id"].update(maxLength=64), "click-out: token: maxLength is 64, it was None. "),
    (
        "click-out",
        lambda s: fields(s).update(at_ms={"type": "string"}),
        'click-out: at_ms: has type ["string"], it was ["integer"]. ',
    ),
    ("order", lambda s: fields(s)["status"]["enum"].remove("frozen"), 'order: status: no longer knows ["frozen"]. '),
    ("order", lambda s: fields(s).update(platform={"enum": ["jd"]}), 'order: platform: is now one of ["jd"]. '),
    (
        "click-out",
        lambda s: fields(s).update(boost_id={"$ref": "#/$defs/id"}),
        'click-out: boost_id: may no longer be {"type": "null"}. ',
    ),
    ("order", lambda s: s["allOf"].append({"if": {"required": ["x"]}, "then": {}}), "order: a rule is new: on {"),
    ("order", lambda s: rule(s).update(order_id={"const": "1"}), 'order: order_id: must now fit {"enum": ["1"]}. '),
    ("note-metric", lambda s: s.update(additionalProperties=False), "note-metric: *: must fit false, it was true. "),
    (
        "policy",
        lambda s: s["$defs"]["override"]["properties"].pop("lead"),
        "policy: categories.*.lead: is gone. ",
    ),
    (
        "policy",
        lambda s: s["$defs"]["gate"]["required"].append("platform"),
        "policy: gates.*.platform: is needed now. ",
    ),
    ("conversion", lambda s: fields(s).pop("boost_id"), f"conversion: boost_id: is gone. {SURPRISED}"),
    ("conversion", lambda s: s["required"].remove("note_id"), f"conversion: note_id: may be absent now. {SURPRISED}"),
    (
        "conversion",
        lambda s: fields(s)["outcome"]["enum"].remove("void"),
        'conversion: outcome: no longer knows ["void"]. ',
    ),
    (
        "conversion",
        lambda s: fields(s).update(kind={"type": "string"}),
        'conversion: kind: is no longer one of ["entry", "favourite", "cart", "order"]. ',
    ),
    (
        "conversion",
        lambda s: fields(s).update(revision={"type": "string"}),
        'conversion: revision: has type ["string"], it was ["integer"]. ',
    ),
    (
        "conversion",
        lambda s: s["$defs"]["amount_minor"].update(minimum=-1),
        "conversion: gross_minor: minimum is -1, it was 0. ",
    ),
    (
        "conversion",
        lambda s: fields(s)["token"].update({"anyOf": [{"$ref": fields(s)["token"].pop("$ref")}, {"type": "null"}]}),
        'conversion: token: may now be {"type": "null"}. ',
    ),
    ("conversion", lambda s: s["allOf"].pop(0), "conversion: a rule is gone: on "),
    ("conversion", lambda s: rule(s).pop("click_id"), 'conversion: click_id: must no longer fit {"not": {"type"'),
    ("order", lambda s: s.update({"$id": "urn:other"}), "order: $id is urn:other, it was urn:redcat:v1:order: "),
]


@pytest.mark.parametrize(("name", "change", "sentence"), FORBIDDEN, ids=[sentence for *_, sentence in FORBIDDEN])
def test_a_broken_promise_is_told(name: str, change: Change, sentence: str) -> None:
    sentences = told(name, change)

    assert sentences
    assert sentences[0].startswith(sentence)


def test_a_record_that_is_gone_is_told_and_a_new_one_is_not() -> None:
    fewer = {name: schema for name, schema in SCHEMAS.items() if name != "order"}

    assert list(breaks(SCHEMAS, fewer, outputs=WRITTEN)) == ["order: this record is gone."]
    assert list(breaks(fewer, SCHEMAS, outputs=WRITTEN)) == []


def test_the_command_compares_with_a_folder(tmp_path: Path) -> None:
    def compare(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli.build(["schemas"]), ["schemas", "--against", str(tmp_path), *arguments])
        return result.exit_code, result.stdout

    write_schemas(tmp_path)
    assert compare() == (0, "every promise of the released schemas is kept\n")
    assert compare("--json") == (0, '{"breaks": []}\n')
    (tmp_path / "extra.json").write_text('{"$id": "urn:redcat:v1:extra"}', encoding="utf-8")
    assert compare() == (1, "extra: this record is gone.\n")
    assert compare("--json") == (1, '{"breaks": ["extra: this record is gone."]}\n')
