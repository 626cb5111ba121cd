"""The check of what Helm rendered finds what is wrong."""

from copy import deepcopy
from typing import Any

import pytest

from tests.deploy.manifests import Manifest, problems

LABELS = {"component": "worker"}
SECRET = {"secretKeyRef": {"name": "redis", "key": "url"}}
CONTAINER: dict[str, Any] = {
    "name": "worker",
    "securityContext": {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    },
    "resources": {"limits": {"memory": "1Gi"}},
    "volumeMounts": [{"name": "tmp"}],
    "envFrom": [{"configMapRef": {"name": "redcat-settings"}}],
    "env": [{"name": "REDCAT_REDIS", "valueFrom": SECRET}],
}
POD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True},
    "automountServiceAccountToken": False,
    "volumes": [{"name": "tmp"}],
    "containers": [CONTAINER],
}
GOOD: list[Manifest] = [
    {"kind": "ConfigMap", "metadata": {"name": "redcat-settings"}, "data": {"REDCAT_KAFKA": "kafka:9092"}},
    {
        "kind": "Deployment",
        "metadata": {"name": "redcat-worker"},
        "spec": {"selector": {"matchLabels": LABELS}, "template": {"metadata": {"labels": LABELS}, "spec": POD}},
    },
]
FAULTS: list[tuple[str, list[str | int], object]] = [
    ("may run as root", [1, "spec", "template", "spec", "securityContext"], {}),
    ("may write", [1, "spec", "template", "spec", "containers", 0, "securityContext", "readOnlyRootFilesystem"], False),
    ("no limit of memory", [1, "spec", "template", "spec", "containers", 0, "resources", "limits"], {"cpu": 1}),
    ("mounts tmp, which there is not", [1, "spec", "template", "spec", "volumes"], []),
    ("which there is not", [0, "metadata", "name"], "other-settings"),
    ("in the open", [1, "spec", "template", "spec", "containers", 0, "env", 0], {"name": "REDCAT_REDIS", "value": "x"}),
    ("selects no pod", [1, "spec", "selector", "matchLabels"], {"component": "serve"}),
    ("REDCAT_KAFKKA is no setting", [0, "data"], {"REDCAT_KAFKKA": "kafka:9092"}),
]


def test_good_manifests_have_no_problems() -> None:
    assert list(problems(GOOD)) == []


def test_two_of_one_name_are_a_problem() -> None:
    assert "ConfigMap redcat-settings twice" in list(problems([*GOOD, GOOD[0]]))


@pytest.mark.parametrize(("problem", "place", "value"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_found(problem: str, place: list[str | int], value: object) -> None:
    manifests: Any = deepcopy(GOOD)
    here = manifests
    for step in place[:-1]:
        here = here[step]
    here[place[-1]] = value

    assert any(problem in found for found in problems(manifests))
