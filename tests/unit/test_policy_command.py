"""`redcat policy check` and `diff` as they are used: what they print, and their exit status."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from app.cli import build
from streams.errors import Misconfigured
from tests.behaviour.builders import after, policy
from tests.generators.policies import DEFAULT_POLICY, Document


def run(*arguments: str) -> Result:
    """Run `redcat policy ARGUMENTS...`."""
    return CliRunner().invoke(build(["policy"]), ["policy", *arguments])


def written(path: Path, *documents: Document) -> str:
    """A file with these policies."""
    path.write_text(yaml.safe_dump_all(documents))
    return str(path)


def test_a_good_file_is_said_to_be_good(tmp_path: Path) -> None:
    ran = run("check", written(tmp_path / "p.yaml", DEFAULT_POLICY), "--lang", "en")
    assert (ran.exit_code, ran.stdout) == (0, "good: versions 1; warnings: 0\n")


def test_each_error_is_a_line_and_the_exit_status_is_1(tmp_path: Path) -> None:
    path = written(tmp_path / "p.yaml", policy(lead="1 day", gates=[{"closed_from_ms": 1, "platform": "pdd"}], order=1))
    ran = run("check", path, "--lang", "en")
    assert ran.exit_code == 1
    assert [line.split(": ", 2)[1:] for line in ran.stdout.splitlines()[:-1]] == [
        ["error", "lead: '1 day' is not a duration; write 1d"],
        ["error", "order: unknown name 'order'; it belongs below windows: {order: ...}"],
    ]
    assert ran.stdout.startswith(f"{path}:")
    assert ran.stdout.endswith("errors: 2, warnings: 0\n")


def test_findings_are_told_to_programs_too(tmp_path: Path) -> None:
    path = written(tmp_path / "p.yaml", policy(campaigns={"c.1": {}}))
    ran = run("check", path, "--json", "--lang", "zh")
    told = json.loads(ran.stdout)
    assert (ran.exit_code, told["good"], told["versions"], told["errors"], told["warnings"]) == (0, True, [1], 0, 1)
    (finding,) = told["findings"]
    assert (finding["level"], finding["code"], finding["path"]) == ("warning", "override_empty", "campaigns['c.1']")
    assert (finding["document"], finding["line"], finding["column"]) == (1, 2, 3)
    assert finding["problem"].startswith("c.1 既没有")


def test_a_file_that_cannot_be_read_is_wrong_use(tmp_path: Path) -> None:
    assert isinstance(run("check", str(tmp_path / "nowhere.yaml")).exception, Misconfigured)
    bad = written(tmp_path / "bad.yaml", {})
    good = written(tmp_path / "good.yaml", DEFAULT_POLICY)
    assert isinstance(run("diff", good, bad).exception, Misconfigured)
    assert isinstance(run("diff", good, good, "--tz", "Mars").exception, Misconfigured)


@pytest.mark.parametrize(("lang", "said"), [("en", "No difference"), ("zh", "没有差异")])
def test_files_that_mean_the_same_do_not_differ(tmp_path: Path, lang: str, said: str) -> None:
    path = written(tmp_path / "p.yaml", DEFAULT_POLICY)
    ran = run("diff", path, path, "--lang", lang)
    assert ran.exit_code == 0
    assert ran.stdout.startswith(said)
    assert json.loads(run("diff", path, path, "--json").stdout) == {
        "differ": False,
        "periods": [],
        "rewritten": [],
        "kept": None,
    }


def test_a_difference_is_no_failure_and_can_be_read_by_programs(tmp_path: Path) -> None:
    old = written(tmp_path / "old.yaml", policy(1))
    second = policy(2, effective_from_ms=after(0), categories={"health": {"lead": "5s"}}, retention_slack="2d")
    new = written(tmp_path / "new.yaml", policy(1), second)
    assert run("diff", old, new).exit_code == 0
    day = 86_400_000
    assert json.loads(run("diff", old, new, "--json").stdout) == {
        "differ": True,
        "rewritten": [],
        "kept": {
            "before": {"journey_ms": 16 * day, "order_ms": 180 * day},
            "after": {"journey_ms": 17 * day, "order_ms": 180 * day},
        },
        "periods": [
            {
                "from_ms": after(0),
                "to_ms": None,
                "version": {"before": 1, "after": 2},
                "changes": [
                    {
                        "what": "lead",
                        "stage": None,
                        "link": None,
                        "note_kind": None,
                        "platforms": None,
                        "categories": {"only": ["health"], "except": []},
                        "campaigns": None,
                        "before": 0,
                        "after": 5_000,
                    },
                    {
                        "what": "final",
                        "stage": None,
                        "link": None,
                        "note_kind": None,
                        "platforms": None,
                        "categories": None,
                        "campaigns": None,
                        "before": 0,
                        "after": 5_000,
                    },
                ],
            }
        ],
    }
