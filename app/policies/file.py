"""Policies as people write them: YAML, one document per version."""

from importlib import resources
from pathlib import Path

import msgspec

from app.policies.checking import check_policies
from app.policies.checking_texts import ENGLISH, line
from streams.core.policy import Policy
from streams.errors import Misconfigured


def read_policies(path: Path | None) -> list[Policy]:
    """The policies of a file, or the one shipped with Redcat; Misconfigured says what is wrong and where."""
    if path is None:
        return parse_policies(resources.files("app").joinpath("default_policy.yaml").read_text(), "default policy")
    return parse_policies(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a policy file; Misconfigured if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"cannot read the policy file {path}: {error}") from error


def parse_policies(text: str, source: str) -> list[Policy]:
    """The policies of a YAML text with one or several documents; `source` names it in errors."""
    checked = check_policies(text)
    errors = [finding for finding in checked.findings if finding.level == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more: `redcat policy check` tells them all)" if len(errors) > 1 else ""
        raise Misconfigured(line(errors[0], source, ENGLISH) + more)
    return list({policy.version: policy for policy in checked.policies}.values())


def policy_texts(policies: list[Policy]) -> dict[int, str]:
    """Each version's canonical JSON, to compare policies by."""
    return {policy.version: msgspec.json.encode(policy, order="sorted").decode() for policy in policies}
