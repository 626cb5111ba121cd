"""Schemas are current, and say just what the decoder accepts and what is written."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
import pytest
from aiokafka import TopicPartition
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend
from typer.testing import CliRunner

from app import cli
from app.dead_letters.letters import CODES
from app.schemas.examples import RESULTS
from app.schemas.generation import INPUTS, OUTPUTS, Published, all_schemas, as_text, read_schemas
from app.schemas.outputs import InvalidCode
from app.validating.decoding import KNOWN_FIELDS, decoded
from streams.errors import Misconfigured
from streams.publisher_records import Outlet
from tests.behaviour.bad_records import DELIVERED, KINDS, Delivered
from tests.generators.journeys import hard_journeys
from tests.generators.policies import DEFAULT_POLICY, Document
from tests.pure_worker import Consumed, PureWorker

FOLDER: Final = Path(__file__).parents[2] / "docs" / "schemas"
SCHEMAS: Final = all_schemas()
VALIDATORS: Final = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}

# Of numbers JSON Schema knows the value only: 1.0 is 1.  The decoder also looks at how they are written.
_strictly_whole = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
)
_Strict = extend(Draft202012Validator, type_checker=_strictly_whole)  # type: ignore[no-untyped-call]
STRICT: Final = {name: _Strict(schema) for name, schema in SCHEMAS.items()}


def refusal(topic: str, fields: Mapping[str, Any]) -> str | None:
    """Why the decoder refuses a record under the key that it must have; None if it does not."""
    key = str(fields.get({"note-metric": "note_id", "policy": "version"}.get(topic, "token"))).encode(errors="replace")
    invalid = decoded(topic, [Consumed(0, 0, key, json.dumps(fields).encode())]).invalid
    return invalid[0][2] if invalid else None


def is_taken(topic: str, fields: Mapping[str, Any]) -> bool:
    """Whether the decoder takes a record under the key that it must have."""
    return refusal(topic, fields) is None


def test_the_schemas_in_the_docs_are_current() -> None:
    written = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    assert written == {name: as_text(schema) for name, schema in SCHEMAS.items()}, (
        "run `redcat schemas --write docs/schemas`"
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_describes_every_field(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])

    assert [field for field, part in SCHEMAS[name]["properties"].items() if not part.get("description")] == []


@pytest.mark.parametrize("record", [*INPUTS, *OUTPUTS], ids=lambda record: record.name)
def test_examples_are_what_the_schema_says(record: Published) -> None:
    assert record.examples
    for example in record.examples:
        STRICT[record.name].validate(example)
        assert record in OUTPUTS or is_taken(record.name, example)


@pytest.mark.parametrize(
    "delivered",
    [one for one in DELIVERED if one.code in (None, "missing_field", "bad_field")],
    ids=lambda delivered: delivered.name,
)
def test_records_at_the_door_are_judged_by_the_schema_as_by_the_decoder(delivered: Delivered) -> None:
    value = json.loads(delivered.value or b"", parse_int=lambda digits: int(digits[:100]))

    assert STRICT[delivered.topic].is_valid(value) is (delivered.code is None)


ABSENT: Final = object()
NEARLY: Final[list[Any]] = [
    *(ABSENT, None, "", "a", "a" * 128, "a" * 129, "a\n", "\n", "a b", "é", "~.:@+-_", [], ["a"], {}, True),
    *(0, 1, -1, 1.0, 1.5, 10**12, 10**12 - 1, 10**12 + 1, 2**43, 2**43 - 1, 2**53, 10**30, float(10**12)),
    *("CNY", "cny", "CNY\n", "CNYX", "ad", "ugc", "Ad", "note", "comment", "favourite", "cart", "entry"),
    *("deposit", "paid", "received", "settled", "closed", "refunded", "frozen", "unfrozen", "paid "),
]
BASES: Final = [(written.topic, written.fields) for written in KINDS.values()]


@st.composite
def records(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A record with some fields replaced by what is nearly right, or right elsewhere."""
    topic, fields = draw(st.sampled_from(BASES))
    names = [*KNOWN_FIELDS[topic], "unknown", "note_kind"]
    values = st.one_of(st.sampled_from(NEARLY), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
    changed = fields | draw(st.dictionaries(st.sampled_from(names), values, max_size=3))
    return topic, {name: value for name, value in changed.items() if value is not ABSENT}


@given(records())
@settings(max_examples=400, deadline=None)
def test_the_schema_takes_a_record_if_and_only_if_the_decoder_does(record: tuple[str, dict[str, Any]]) -> None:
    topic, fields = record
    assume(float("inf") not in fields.values() and float("-inf") not in fields.values())  # no JSON

    assert STRICT[topic].is_valid(fields) is is_taken(topic, fields)


POLICY: Final = DEFAULT_POLICY | {
    "gates": [{"closed_from_ms": 1, "closed_to_ms": 5, "platform": "jd", "category": "fmcg"}],
    "categories": {"health": {"windows": {"order": "30d"}, "lead": "1s"}},
    "campaigns": {"c1": {"lead": "5s"}},
}
DURATIONS: Final[list[Any]] = ["0s", "1d", "007m", "d", "1w", "1d\n", " 1d", "1.5d", "-1s", "٣d", 5, ["1d"]]
NAMES: Final[list[Any]] = ["*", "**", "x*", "a\n", "a b", "", "a" * 128, "a" * 129]
ELSEWHERE: Final[list[Any]] = [
    *DURATIONS,
    *NAMES,
    "open",
    "closed",
    "Open",
    "last_click",
    "first",
    [None],
    {"*": "open"},
]


def places_in(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values in a document."""
    parts = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, part in parts:
        yield (*path, name)
        yield from places_in(part, (*path, name))


PLACES: Final = list(places_in(POLICY))


@st.composite
def policy_documents(draw: st.DrawFn) -> Document:
    """A policy with values replaced, taken away or renamed somewhere."""
    document: Document = json.loads(json.dumps(POLICY))
    *path, name = draw(st.sampled_from(PLACES))
    inside: Any = document
    for step in path:
        inside = inside[step]
    kept = inside[name]
    if isinstance(inside, list) or draw(st.booleans()):
        inside[name] = draw(st.sampled_from([*NEARLY[1:], *ELSEWHERE]))
    else:
        del inside[name]
        inside.update(draw(st.sampled_from([{}, *({new: kept} for new in [*NAMES, "unknown"])])))
    return document


@given(policy_documents())
@settings(max_examples=250, deadline=None)
def test_the_schema_takes_a_policy_if_and_only_if_it_is_one(document: Document) -> None:
    why = refusal("policy", document)
    assume(why is None or "is not after" not in why)  # of two times, which no schema compares

    assert STRICT["policy"].is_valid(document) is (why is None)


@pytest.mark.parametrize("name", sorted({name for _, fields in BASES for name in fields}))
def test_half_a_character_is_taken_nowhere(name: str) -> None:
    for topic, fields in BASES:
        if name in fields:
            assert not STRICT[topic].is_valid(fields | {name: "\ud800"})
            assert not is_taken(topic, fields | {name: "\ud800"})


@pytest.mark.parametrize(
    ("topic", "fields"),
    [
        ("shop-entry", KINDS["entry"].fields | {"at_ms": 1_750_176_000_000.0}),
        ("shop-entry", KINDS["entry"].fields | {"unread": "x" * 64 * 1024}),
        ("policy", POLICY | {"gates": [{"closed_from_ms": 5, "closed_to_ms": 5}]}),
        ("policy", POLICY | {"order_life": "9999999d"}),
    ],
    ids=["numbers written as 1.0", "the size", "gates that open before they close", "endless durations"],
)
def test_what_no_schema_can_say_only_the_decoder_finds(topic: str, fields: dict[str, Any]) -> None:
    assert VALIDATORS[topic].is_valid(fields)
    assert not is_taken(topic, fields)


@pytest.mark.parametrize("seed", range(60))
def test_every_result_and_dead_letter_is_as_its_schema_says(seed: int) -> None:
    scenario = hard_journeys(seed)
    worker = PureWorker(scenario.policies, scenario.partitions)

    worker.absorb_all(scenario.batches)

    for result in worker.published:
        STRICT["conversion"].validate(msgspec.to_builtins(result))
    for letter in (message for message in worker.messages if message.topic == "dead-letter"):
        headers = {name: content.decode(errors="replace") for name, content in letter.headers}
        STRICT["dead-letter-headers"].validate(headers)
        assert headers.keys() <= SCHEMAS["dead-letter-headers"]["properties"].keys()


def test_headers_of_results_are_as_their_schema_says() -> None:
    outlet = Outlet(0, names=str, markers=TopicPartition("lanes", 0), source="redcat/redcat")
    headers = dict(outlet._head("cart", 1_750_176_000_042)) | {"ce_id": b"cart:a-1@7"}

    STRICT["conversion-headers"].validate({name: content.decode() for name, content in headers.items()})
    assert headers.keys() == SCHEMAS["conversion-headers"]["properties"].keys()


def test_the_codes_of_dead_letters_are_those_of_the_schema() -> None:
    assert get_args(InvalidCode) == CODES


CREDITED: Final = next(result for result in RESULTS if result["kind"] == "order")
REFUSED: Final = next(result for result in RESULTS if result["outcome"] == "refused")
NOBODY: Final = dict.fromkeys(("note_id", "note_kind", "link", "category", "click_id", "click_at_ms", "campaign_id"))


@pytest.mark.parametrize(
    ("result", "changes"),
    [
        (CREDITED, {"reason": "no_click"}),
        (CREDITED, {"click_id": None}),
        (CREDITED, {"nearest_click_id": "c1"}),
        (CREDITED, {"outcome": "pending", "reason": "not_paid"}),
        (CREDITED, {"outcome": "held", "reason": "not_paid", "gross_minor": 0, "refunded_minor": 0, "net_minor": 0}),
        (CREDITED, {"kind": "cart"}),
        (CREDITED, {"result_id": "order:"}),
        (CREDITED, {"outcome": "void", "reason": "superseded"}),
        (CREDITED, {"gross_minor": -1}),
        (CREDITED, {"revision": 0}),
        (REFUSED, {"reason": None}),
        (REFUSED, {"reason": "order_closed"}),
        (REFUSED, {"note_id": "n1"}),
        (REFUSED, {"reason": "window_passed"}),
        (REFUSED, {"nearest_note_id": "n1"}),
        (REFUSED, {"net_minor": 1}),
        (REFUSED, {"platform": None}),
        (REFUSED, {"order_id": "o1"}),
    ],
)
def test_a_result_that_contradicts_itself_is_refused(result: dict[str, Any], changes: dict[str, Any]) -> None:
    assert VALIDATORS["conversion"].is_valid(result)
    assert not VALIDATORS["conversion"].is_valid(result | changes)


@pytest.mark.parametrize("name", SCHEMAS["conversion"]["properties"])
def test_a_result_has_all_its_fields(name: str) -> None:
    bare = {field: value for field, value in CREDITED.items() if field != name}

    assert not VALIDATORS["conversion"].is_valid(bare)


def test_the_command_lists_prints_and_writes_schemas(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli.build(["schemas"]), ["schemas", *arguments])
        assert result.exit_code == 0
        return result.stdout

    assert [line.split()[0] for line in run().splitlines()] == [*SCHEMAS]
    assert run("order") == as_text(SCHEMAS["order"])
    assert json.loads(run("--json")) == SCHEMAS
    run("--write", str(tmp_path / "new" / "folder"))
    assert read_schemas(tmp_path / "new" / "folder") == SCHEMAS


@pytest.mark.parametrize("arguments", [["orders"], ["order", "--write", "."], ["order", "--against", "."]])
def test_wrong_use_of_the_command_is_status_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli.build(["schemas"]), ["schemas", *arguments]).exit_code == 2


@pytest.mark.parametrize("content", [None, "{", "\udcff"])
def test_schemas_that_cannot_be_read_or_written_are_told(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "order.json"
    if content is not None:
        file.write_text(content, encoding="utf-8", errors="surrogateescape")

    with pytest.raises(Misconfigured):
        read_schemas(tmp_path)
    if content is not None:
        result = CliRunner().invoke(cli.build(["schemas"]), ["schemas", "--write", str(file)])
        assert isinstance(result.exception, Misconfigured)
