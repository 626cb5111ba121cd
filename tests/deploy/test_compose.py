"""docker-compose.yml names settings, commands and files that there are, and shows nothing to other machines."""

import os
import shutil
import subprocess

import pytest

from tests.deploy.names import COMMAND_NAMES, ROOT, SETTINGS, load

COMPOSE = load(ROOT / "docker-compose.yml")
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "redcat"}


def test_docker_compose_can_read_it() -> None:
    found = shutil.which("docker-compose")
    if found is None and os.environ.get("CI"):
        pytest.fail("CI must check docker-compose.yml: install Debian's docker-compose")
    if found is None:
        pytest.skip("no docker-compose on this machine")

    ran = subprocess.run([found, "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_runs_a_command_with_settings_that_there_are(name: str) -> None:
    service = OURS[name]

    assert service["command"][0] in COMMAND_NAMES
    assert set(service["environment"]) <= SETTINGS
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_reachable_from_this_machine_only_and_has_a_version(name: str) -> None:
    service = SERVICES[name]

    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert name in OURS or not service["image"].endswith(("latest", "/" + name))


def test_mounted_files_are_there() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    sources = [mount.split(":")[0] for mount in mounts]

    assert all((ROOT / source).is_dir() for source in sources if source.startswith("./"))
    assert {source for source in sources if not source.startswith("./")} == set(COMPOSE["volumes"])


def test_redis_never_evicts_and_keeps_a_log() -> None:
    command = SERVICES["valkey"]["command"]

    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"
