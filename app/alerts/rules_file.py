"""The rules in force: a file, or those shipped with Redcat."""

from importlib import resources
from pathlib import Path
from typing import Final

from app.alerts.rules import Rules
from app.alerts.rules_checking import parse_rules
from streams.errors import Misconfigured

DEFAULT: Final = "default_rules.yaml"


def read_rules(path: Path | None) -> Rules:
    """The rules of a file, or the shipped ones; Misconfigured tells everything that is wrong with them."""
    return parse_rules(*read_rules_text(path))


def read_rules_text(path: Path | None) -> tuple[str, str]:
    """The text of a rules file, or of the shipped one, and its name; Misconfigured if it cannot be read."""
    if path is None:
        return resources.files("app.alerts").joinpath(DEFAULT).read_text(encoding="utf-8"), DEFAULT
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"cannot read the rules file {path}: {error}") from error
