"""docs/policies.md shows what the commands really say."""

import re
from pathlib import Path

import yaml
from typer.testing import CliRunner

from app.cli import build
from app.policies.file import parse_policies, read_policies
from tests.behaviour.builders import DAY, policy, windows
from tests.generators.policies import DEFAULT_POLICY

PAGE = (Path(__file__).parent.parent.parent / "docs" / "policies.md").read_text(encoding="utf-8")
POLICIES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SHOWN = re.findall(r"```text\n\$ redcat (.*?)\n(.*?)```", PAGE, re.DOTALL)

WRONG = """\
version: 1
effective_from_ms: 0
lead: 60
windows: {entry: 1d, favourite: 7d, cart: 7d, order: 15 days}
platforms:
  jd: {}
  no: {}
"""
ELEVENTH_MS = 1_794_326_400_000
NEW = policy(
    2,
    effective_from_ms=ELEVENTH_MS,
    windows=windows(order="20d"),
    categories={"health": {"windows": {"order": "30d"}}},
    gates=[
        {
            "platform": "tmall",
            "category": "fmcg.skincare",
            "closed_from_ms": ELEVENTH_MS + 2 * DAY,
            "closed_to_ms": ELEVENTH_MS + 3 * DAY,
        }
    ],
    links=[*DEFAULT_POLICY["links"], {"link": "comment", "kinds": ["ad"], "platforms": ["jd"]}],
)


def run(command: str, files: dict[str, str], folder: Path) -> str:
    """What a command on these files prints, with their names as the page has them."""
    for name, text in files.items():
        (folder / name).write_text(text)
    arguments = [str(folder / word) if word in files else word for word in command.split()]
    said = CliRunner().invoke(build(arguments), [*arguments, "--lang", "en"]).stdout
    return said.replace(f"{folder}/", "")


def test_the_policy_on_the_page_is_the_one_that_ships() -> None:
    assert parse_policies(POLICIES[0], "the page") == read_policies(None)


def test_the_other_pieces_fit_into_it() -> None:
    for piece in POLICIES[1:]:
        assert parse_policies(yaml.safe_dump(yaml.safe_load(POLICIES[0]) | yaml.safe_load(piece)), "the page")


def test_the_commands_say_what_the_page_shows(tmp_path: Path) -> None:
    (check, checked), (diff, differs) = SHOWN
    assert run(check, {"new.yaml": WRONG}, tmp_path) == checked
    both = yaml.safe_dump_all([DEFAULT_POLICY, NEW])
    assert run(diff, {"old.yaml": yaml.safe_dump(DEFAULT_POLICY), "new.yaml": both}, tmp_path) == differs
