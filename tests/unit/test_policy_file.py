"""Policy files: what is wrong is said with its place, and nothing is guessed."""

from pathlib import Path

import pytest

from app.policies.file import parse_policies, policy_texts, read_policies
from streams.core.policy import parse_policy
from streams.errors import Misconfigured
from tests.generators.policies import DEFAULT_POLICY

HEAD = "version: 1\neffective_from_ms: 0\nwindows: {entry: 1d, favourite: 7d, cart: 7d, order: 15d}\n"

WRONG = [
    ("no YAML", "version: [", "this is not YAML"),
    ("a name twice", "version: 1\nversion: 2\n", "'version' is given twice"),
    ("nothing at all", "# only a comment\n", "the file holds no policy"),
    ("no mapping", "- 1\n", "a policy is a mapping"),
    ("version 0", HEAD.replace("version: 1", "version: 0"), "version: 0 is not between 1 and"),
    ("a version that is text", HEAD.replace("version: 1", "version: one"), "version: 'one' is not a whole number"),
    ("a duration in words", HEAD.replace("15d", "15 days"), r"windows.order: '15 days' is not a duration; write 15d"),
    ("a window too few", HEAD.replace("cart: 7d, ", ""), "windows.cart: missing"),
    ("a duration beyond all time", HEAD.replace("15d", "99999999999d"), "longer than any time"),
    ("an unknown name", HEAD + "window: {}\n", "unknown name 'window'; did you mean windows"),
    ("a platform that YAML reads as false", HEAD + "platforms: {no: {}}\n", "platforms"),
    ("a category that is a number", HEAD + "categories: {1: {}}\n", "categories"),
    ("a campaign that is no id", HEAD + "campaigns: {'a b': {}}\n", "campaigns"),
    ("an unknown model", HEAD + "model: first_click\n", "model: 'first_click' is not one of last_click"),
    ("a gate that ends before it starts", HEAD + "gates: [{closed_from_ms: 2, closed_to_ms: 2}]\n", "cannot open at 2"),
    (
        "one version with two contents",
        HEAD + "---\n" + HEAD.replace("15d", "3d"),
        "document 2: version: version 1 has another content",
    ),
]


@pytest.mark.parametrize(("content", "complaint"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_policy_is_refused_with_its_place(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(content)
    with pytest.raises(Misconfigured, match=complaint) as refusal:
        read_policies(path)
    assert str(path) in str(refusal.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"cannot read the policy file .*nowhere\.yaml"):
        read_policies(tmp_path / "nowhere.yaml")


def test_the_policy_shipped_is_the_default_one() -> None:
    assert read_policies(None) == [parse_policy(dict(DEFAULT_POLICY))]


def test_the_same_version_twice_is_one_policy() -> None:
    assert policy_texts(parse_policies(HEAD + "---\n" + HEAD, "a file")).keys() == {1}
