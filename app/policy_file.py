"""Policies as people write them: YAML, one document per version."""

from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import yaml

from streams.core.policy import Policy, parse_policy
from streams.errors import Misconfigured


class _StrictLoader(yaml.SafeLoader):
    """YAML that refuses a name given twice, where the last one would silently win."""


def _strict_mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    names = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if twice is not None:
        raise yaml.MarkedYAMLError(problem=f"{twice!r} is given twice", problem_mark=node.start_mark)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _strict_mapping)


def read_policies(path: Path | None) -> list[Policy]:
    """The policies of a file, or the one shipped with Redcat; Misconfigured says what is wrong and where."""
    if path is None:
        return parse_policies(resources.files("app").joinpath("default_policy.yaml").read_text(), "default policy")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"cannot read the policy file {path}: {error}") from error
    return parse_policies(text, str(path))


def parse_policies(text: str, source: str) -> list[Policy]:
    """The policies of a YAML text with one or several documents; `source` names it in errors."""
    try:
        documents = [document for document in yaml.load_all(text, _StrictLoader) if document is not None]
    except yaml.YAMLError as error:
        raise Misconfigured(f"{source} is not YAML: {' '.join(str(error).split())}") from error
    if not documents:
        raise Misconfigured(f"{source} holds no policy")
    policies: dict[int, Policy] = {}
    for number, document in enumerate(documents, 1):
        place = f"{source}, document {number}"
        try:
            policy = parse_policy(document)
        except ValueError as error:
            raise Misconfigured(f"{place}: {error}") from error
        if policies.setdefault(policy.version, policy) != policy:
            raise Misconfigured(f"{place}: version {policy.version} has another content above")
    return list(policies.values())


def policy_texts(policies: list[Policy]) -> dict[int, str]:
    """Each version's canonical JSON, to compare policies by."""
    return {policy.version: msgspec.json.encode(policy, order="sorted").decode() for policy in policies}
