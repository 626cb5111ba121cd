"""The Helm chart names settings and commands that there are; `make helm` renders it and looks closer."""

import re
from typing import Any

from streams.topics import METRIC_TOPICS, TOKEN_TOPICS
from tests.deploy.names import COMMAND_NAMES, DEPLOY, SETTINGS, load

CHART = DEPLOY / "helm" / "redcat"
TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in sorted((CHART / "templates").glob("*.*"))}
ALL = "\n".join(TEMPLATES.values())


def used_values(text: str) -> set[str]:
    """The values that templates name directly, as dotted paths."""
    return {path.removeprefix(".Values.") for path in re.findall(r"\.Values\.[A-Za-z.]+[A-Za-z]", text)}


def test_settings_of_the_chart_are_settings_of_the_program() -> None:
    assert set(re.findall(r"REDCAT_[A-Z_]+", ALL)) <= SETTINGS


def test_commands_of_the_chart_are_commands_of_the_program() -> None:
    commands = re.findall(r"args: \[([a-z]+)", ALL)

    assert {"worker", "topics"} <= set(commands) <= COMMAND_NAMES


def test_templates_use_only_values_that_have_a_default() -> None:
    values: Any = load(CHART / "values.yaml")
    for path in used_values(ALL):
        here = values
        for name in path.split("."):
            assert name in here, path
            here = here[name]


def test_workers_are_scaled_by_the_lag_of_every_topic_that_they_read() -> None:
    named = re.search(r"range list ([^}]+)}}", TEMPLATES["scaling.yaml"])

    assert named is not None
    assert re.findall(r'"([^"]+)"', named[1]) == [*TOKEN_TOPICS, *METRIC_TOPICS]


def test_rules_and_dashboards_of_the_chart_are_those_of_the_project() -> None:
    for path in (CHART / "files").iterdir():
        assert path.is_symlink()
        assert path.resolve().is_relative_to(DEPLOY)


def test_no_secret_is_a_value() -> None:
    values = load(CHART / "values.yaml")

    assert all(set(reference) == {"name", "key"} for reference in values["secrets"].values())
    assert not re.search(r"password|secret", str(values["settings"]), re.IGNORECASE)
