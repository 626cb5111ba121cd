"""What was found in a producer's records is told to people in their language, and to programs."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

import io
import json
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from app import cli
from app.dead_letters.letters import CODES
from app.validating.kinds import About
from app.validating.report import SHOWN_KINDS, json_of, report
from app.validating.texts import CHINESE, ENGLISH, ValidationTexts
from app.validating.validation import Validation
from streams.errors import Misconfigured
from tests.behaviour.builders import click, entry, paid
from tests.generators.records import Written
from tests.unit.test_validating import checked


def shown(found: Validation, texts: ValidationTexts) -> str:
    console = Console(width=300, file=io.StringIO(), color_system=None, soft_wrap=True)
    with console.capture() as capture:
        for part in report(found, "records.ndjson", texts):
            console.print(part, highlight=False)
    return capture.get()


SAMPLE: Final = [
    click("c"),
    click("c", note="n2", campain_id="c1"),
    entry(at=1).but(at_ms=1_750_176_000, merchant_id="a\u001b[31m"),
    entry(at=1).but(merchant_id="a\u001b[31m"),
    paid(at=2, token="t2", platform="TMall"),
]


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        (
            ENGLISH,
            [
                "records.ndjson: 6 records, 3 invalid (50.00%)",
                "shop-entry        2      -        2         -",
                "  at_ms: such a value is not allowed",
                "  decoder: Expected `int` >= 1000000000000 - at `$.at_ms`",
                "-  bad_line  1 (16.67%)",
                "  at_ms seems to be in seconds; it must be in milliseconds since 1970 UTC",
                "  nobody reads campain_id; is campaign_id meant?",
                "is tmall meant?",
                "    line 5  t2",
            ],
        ),
        (
            CHINESE,
            [
                "records.ndjson：6 条记录，3 条无效（50.00%）",
                "  at_ms：值不符合要求",
                "  at_ms 的单位似乎是秒，应为 1970 年（UTC）以来的毫秒数",
                "  字段 campain_id 不会被读取，是否应为 campaign_id？",
                "    第 5 行  t2",
            ],
        ),
    ],
    ids=["en", "zh"],
)
def test_people_read_what_was_found(texts: ValidationTexts, lines: list[str]) -> None:
    found = checked(*SAMPLE)
    found.bad_line(6, b"nonsense", "JSON is malformed")

    text = shown(found, texts)

    assert [line for line in lines if line not in text] == []
    assert "\u001b" not in text


def test_every_kind_has_a_text_in_both_languages() -> None:
    for texts in (ENGLISH, CHINESE):
        assert texts.about.keys() == set(get_args(About))
        assert texts.codes.keys() == {"bad_line", *CODES} - {"token_overflow", "internal"}


def test_many_kinds_are_cut_for_people_and_whole_in_json() -> None:
    found = checked(*(click(f"c{number}", platform=f"p{number}") for number in range(SHOWN_KINDS + 10)))

    assert "and 10 more kinds, 10 records; --json tells all" in shown(found, ENGLISH)
    assert len(json_of(found, "x")["warnings"]) == SHOWN_KINDS + 10


def test_a_report_says_when_there_was_too_much_to_remember() -> None:
    found = checked(click())
    assert (ENGLISH.forgetful in shown(found, ENGLISH), json_of(found, "x")["complete"]) == (False, True)

    found.watch._contents.forgetful = True

    assert (ENGLISH.forgetful in shown(found, ENGLISH), json_of(found, "x")["complete"]) == (True, False)


def lines(*records: Written) -> bytes:
    return b"".join(b'{"topic": "%s", "value": %s}\n' % (record.topic.encode(), record.value) for record in records)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.build(["validate"]), ["validate", *arguments])


def test_a_file_of_valid_records_is_status_0(tmp_path: Path) -> None:
    file = tmp_path / "records.ndjson"
    file.write_bytes(lines(click(), entry(at=1), click(platform="douyin")))

    result = run(str(file), "--lang", "en")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{file}: 3 records, 0 invalid (0.00%)\n")
    assert "no policy lists the platform douyin" in result.stdout


def test_the_records_in_the_docs_are_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "partners.md").read_text(encoding="utf-8")
    file = tmp_path / "records.ndjson"
    file.write_text(text.partition("```json\n")[2].partition("```")[0], encoding="utf-8")

    told = json.loads(run(str(file), "--json").stdout)

    assert (told["records"], told["valid"], told["warnings"]) == (3, 3, [])


def test_every_warning_is_in_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "partners.md").read_text(encoding="utf-8")

    assert [about for about in get_args(About) if f"| `{about}` |" not in text] == []


def test_one_bad_record_is_status_1(tmp_path: Path) -> None:
    file = tmp_path / "records.ndjson"
    file.write_bytes(lines(click(), entry("e", at=1).but(at_ms=1), entry("e", at=2)))

    people, programs = run(str(file), "--lang", "zh", "--examples", "0"), run(str(file), "--json")

    assert (people.exit_code, programs.exit_code) == (1, 1)
    assert "at_ms：值不符合要求" in people.stdout
    assert "第 2 行" not in people.stdout
    told: dict[str, Any] = json.loads(programs.stdout)
    assert {name: told[name] for name in ("source", "records", "valid", "invalid", "complete")} == {
        "source": str(file), "records": 3, "valid": 2, "invalid": 1, "complete": True,
    }  # fmt: skip
    assert told["topics"]["shop-entry"] == {"records": 2, "valid": 1, "invalid": 1, "repeated": 0}
    (error,) = told["errors"]
    (example,) = error.pop("examples")
    assert error == {"topic": "shop-entry", "code": "bad_field", "field": "at_ms", "count": 1, "share": 0.5}
    assert (example["line"], example["key"]) == (2, "t1")
    assert example["message"] == "Expected `int` >= 1000000000000 - at `$.at_ms`"
    assert json.loads(example["value"])["event_id"] == "e"


def test_a_line_that_is_no_record_is_told_and_hides_no_other(tmp_path: Path) -> None:
    file = tmp_path / "records.ndjson"
    file.write_bytes(lines(click("c1")) + b"{\n" + lines(click("c2")))

    result = run(str(file), "--json")

    told = json.loads(result.stdout)
    assert (result.exit_code, told["records"], told["valid"]) == (1, 3, 2)
    assert [(error["topic"], error["code"], error["examples"][0]["line"]) for error in told["errors"]] == [
        (None, "bad_line", 2)
    ]


def test_plain_values_are_of_the_topic_that_is_said(tmp_path: Path) -> None:
    file = tmp_path / "order"
    file.write_bytes(paid(at=1).value + b"\n" + paid(at=1).but(currency="cny").value)

    result = run(str(file), "--topic", "order", "--json")

    assert (result.exit_code, json.loads(result.stdout)["topics"]["order"]["invalid"]) == (1, 1)
    assert run(str(file), "--topic", "order", "--limit", "1").exit_code == 0


def test_nothing_at_all_is_nothing_wrong(tmp_path: Path) -> None:
    file = tmp_path / "empty"
    file.touch()

    assert (run(str(file), "--lang", "en").stdout, run(str(file)).exit_code) == (f"{file}: no records\n", 0)
    assert json.loads(run(str(file), "--json").stdout)["records"] == 0


@pytest.mark.parametrize(
    "arguments", [[], ["FILE", "--topic", "conversion"], ["FILE", "--last", "5"], ["FILE", "--limit", "0"]]
)
def test_wrong_use_is_status_2(tmp_path: Path, arguments: list[str]) -> None:
    file = tmp_path / "empty"
    file.touch()

    assert run(*(str(file) if argument == "FILE" else argument for argument in arguments)).exit_code == 2


@pytest.mark.parametrize("name", ["conversion", "no-such-file.ndjson"])
def test_what_is_neither_a_file_nor_an_input_topic_is_wrong_use(name: str) -> None:
    result = run(name)

    assert isinstance(result.exception, Misconfigured)
    assert f"{name} is no file here and none of the topics click-out," in str(result.exception)
