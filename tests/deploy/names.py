"""The names of the program that files of deploy/ may use."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import yaml

from app.cli import COMMANDS
from app.metrics.table import ALERTS, SERVER, WORKER, Metric
from app.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {f"REDCAT_{field.name.upper()}" for field in dataclasses.fields(Settings)}
COMMAND_NAMES = {command.name for command in COMMANDS}
OF_PROMETHEUS = {"up", "ALERTS"}
OF_PROCESSES = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"}
HISTOGRAM_SUFFIXES = ("_bucket", "_sum", "_count")


def series() -> set[str]:
    """Every time series that Redcat's metrics make."""
    rows: dict[str, Metric] = dict([*WORKER.items(), *SERVER.items(), *ALERTS.items()])
    made = {name for name, row in rows.items() if row.kind != "histogram"}
    for name in rows.keys() - made:
        made |= {name + suffix for suffix in HISTOGRAM_SUFFIXES}
    return made | OF_PROCESSES | OF_PROMETHEUS


def metrics_in(expression: str) -> set[str]:
    """The time series that a PromQL expression names: whatever stands before a selector or alone, but for labels."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\{[^}]*\}", " ", bare)
    bare = re.sub(r"\[[^\]]*\]", " ", bare)
    return set(re.findall(r"\b[a-zA-Z_:][a-zA-Z0-9_:]*\b(?!\s*\()", bare)) - {"and", "or", "unless", "offset"}


def load(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    """All alert rules."""
    return [rule for group in load(DEPLOY / "prometheus" / "rules.yml")["groups"] for rule in group["rules"]]
