"""Policies as the core reads them: what is no policy is refused, and said."""

from typing import Any

import pytest

from streams.core.policy import parse_policy
from tests.behaviour.builders import policy, windows
from tests.generators.policies import DEFAULT_POLICY

WRONG: list[tuple[str, Any, str]] = [
    ("no mapping", [1], "a policy is a mapping"),
    ("a version that is text", policy() | {"version": "one"}, r"\$.version"),
    ("a duration in words", policy(windows=windows(order="15 days")), r"\$.windows.order"),
    ("a duration with a line break", policy(lead="1d\n"), r"\$.lead"),
    ("a duration beyond all time", policy(lead="99999999999d"), "longer than any time"),
    ("a window too few", policy(windows={"entry": "1d"}), "windows: favourite, cart, order missing"),
    ("an unknown name", policy() | {"window": {}}, "unknown field `window`"),
    ("a platform with a line break", policy(gates=[{"closed_from_ms": 1, "platform": "jd\n"}]), "platform"),
    ("a gate that ends before it starts", policy(gates=[{"closed_from_ms": 2, "closed_to_ms": 2}]), "is not after"),
    ("a gate at a time that no store can hold", policy(gates=[{"closed_from_ms": 2**53}]), "closed_from_ms"),
    *(
        (f"* among {group}", policy() | {group: {"*": {}}}, f"{group}: ")
        for group in ("platforms", "categories", "campaigns")
    ),
]


@pytest.mark.parametrize(("document", "complaint"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_no_policy_is_refused(document: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_policy(document)


def test_the_default_policy_is_one() -> None:
    assert parse_policy(dict(DEFAULT_POLICY)).version == 1
