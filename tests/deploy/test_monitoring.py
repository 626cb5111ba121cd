"""Alert rules, their tests and runbooks, and dashboards: each names only what there is, and promtool agrees."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.metrics.table import ALERTS, SERVER, WORKER
from tests.deploy.names import DEPLOY, ROOT, load, metrics_in, rules, series

RULES = {rule["alert"]: rule for rule in rules()}
TESTS = load(DEPLOY / "prometheus" / "tests.yml")["tests"]
RUNBOOKS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RATE_INTERVAL = "5m"  # what Grafana would put for its variable


@pytest.fixture(scope="session")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None and os.environ.get("CI"):
        pytest.fail("CI must check the rules: install Debian's prometheus")
    if found is None:
        pytest.skip("no promtool on this machine")
    return found


def panels(path: Path) -> list[dict[str, Any]]:
    """The panels of a dashboard that show something."""
    return [panel for panel in json.loads(path.read_text(encoding="utf-8"))["panels"] if panel["type"] != "row"]


def expressions(path: Path) -> list[str]:
    """All expressions of a dashboard."""
    return [target["expr"] for panel in panels(path) for target in panel["targets"]]


@pytest.mark.parametrize("expression", [rule["expr"] for rule in RULES.values()], ids=RULES)
def test_an_alert_rule_names_metrics_that_there_are(expression: str) -> None:
    assert metrics_in(expression)
    assert metrics_in(expression) <= series()


@pytest.mark.parametrize("name", RULES)
def test_an_alert_has_a_severity_a_summary_and_its_runbook(name: str) -> None:
    rule = RULES[name]

    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
    assert re.search(rf"^### {name}$", RUNBOOKS, re.MULTILINE)


def test_there_is_no_runbook_without_an_alert() -> None:
    assert re.findall(r"^### (Redcat\w+)$", RUNBOOKS, re.MULTILINE) == list(RULES)


@pytest.mark.parametrize("name", RULES)
def test_an_alert_is_tested_firing_and_quiet(name: str) -> None:
    expected = [case["exp_alerts"] for test in TESTS for case in test["alert_rule_test"] if case["alertname"] == name]

    assert sorted(map(bool, expected)) == [False, True]


def test_promtool_finds_the_rules_right(promtool: str) -> None:
    folder = DEPLOY / "prometheus"
    for arguments in (["check", "config", "prometheus.yml"], ["test", "rules", "tests.yml"]):
        ran = subprocess.run([promtool, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("path", DASHBOARDS, ids=[path.stem for path in DASHBOARDS])
def test_a_dashboard_shows_metrics_that_there_are(path: Path) -> None:
    named = set().union(*map(metrics_in, expressions(path)))

    assert named <= series()
    assert path.stem == json.loads(path.read_text(encoding="utf-8"))["uid"]
    assert len({panel["id"] for panel in panels(path)}) == len(panels(path))


def test_every_metric_is_on_a_dashboard_or_in_a_rule() -> None:
    named = [metrics_in(expression) for path in DASHBOARDS for expression in expressions(path)]
    shown = set().union(*named, *(metrics_in(rule["expr"]) for rule in RULES.values()))
    without_suffix = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}

    assert {*WORKER, *SERVER} <= shown | without_suffix


def test_the_expressions_of_dashboards_are_promql(promtool: str, tmp_path: Path) -> None:
    all_of_them = [expression for path in DASHBOARDS for expression in expressions(path)]
    made = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", RATE_INTERVAL)}
        for number, expression in enumerate(all_of_them)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": made}]}), encoding="utf-8")

    ran = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(made)} rules found" in ran.stdout


@pytest.mark.parametrize("name", [*WORKER, *SERVER, *ALERTS])
def test_operations_says_what_each_metric_counts(name: str) -> None:
    assert f"`{name}`" in RUNBOOKS
