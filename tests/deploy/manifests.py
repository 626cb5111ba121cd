"""`python -m tests.deploy.manifests FILE`: whether what Helm rendered is what it should be; exit status 1 if not."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.names import SETTINGS

PODS = ("Deployment",)
Manifest = dict[str, Any]


def problems(manifests: list[Manifest]) -> Iterator[str]:
    """Everything that is wrong."""
    named = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]
    yield from (f"{kind} {name} twice" for kind, name in set(named) if named.count((kind, name)) > 1)
    config_maps = {m["metadata"]["name"]: m for m in manifests if m["kind"] == "ConfigMap"}
    labels = [m["spec"]["template"]["metadata"]["labels"] for m in manifests if m["kind"] in PODS]
    for manifest in manifests:
        where = f"{manifest['kind']} {manifest['metadata']['name']}"
        if manifest["kind"] in PODS:
            yield from (f"{where}: {what}" for what in _pod_problems(manifest["spec"]["template"]["spec"], config_maps))
        for selector in _selectors(manifest):
            if not any(selector.items() <= of_pod.items() for of_pod in labels):
                yield f"{where} selects no pod: {selector}"
    settings = next(m for name, m in config_maps.items() if name.endswith("-settings"))["data"]
    yield from (f"{name} is no setting" for name in settings.keys() - SETTINGS)


def _pod_problems(pod: Manifest, config_maps: dict[str, Manifest]) -> Iterator[str]:
    if not pod["securityContext"].get("runAsNonRoot") or pod["automountServiceAccountToken"]:
        yield "may run as root or talk to Kubernetes"
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        allowed = container["securityContext"]
        if not allowed["readOnlyRootFilesystem"] or allowed["allowPrivilegeEscalation"]:
            yield f"{container['name']} may write or gain privileges"
        if allowed["capabilities"] != {"drop": ["ALL"]} or "memory" not in container["resources"]["limits"]:
            yield f"{container['name']} has capabilities, or no limit of memory"
        for mount in container["volumeMounts"]:
            if mount["name"] not in volumes:
                yield f"{container['name']} mounts {mount['name']}, which there is not"
        for source in container["envFrom"]:
            if source["configMapRef"]["name"] not in config_maps:
                yield f"{container['name']} reads {source['configMapRef']['name']}, which there is not"
        for variable in container["env"]:
            secret = any(word in variable["name"] for word in ("PASSWORD", "USERNAME", "REDIS", "SECRET", "CHANNELS"))
            if secret and "secretKeyRef" not in variable.get("valueFrom", {}):
                yield f"{container['name']} has {variable['name']} in the open"


def _selectors(manifest: Manifest) -> Iterator[dict[str, str]]:
    spec = manifest.get("spec", {})
    if manifest["kind"] in ("Deployment", "PodDisruptionBudget", "PodMonitor"):
        yield spec["selector"]["matchLabels"]
    elif manifest["kind"] == "NetworkPolicy":
        yield spec["podSelector"]["matchLabels"]
    elif manifest["kind"] == "Service":
        yield spec["selector"]


def main(path: str) -> int:
    """The exit status."""
    manifests = [manifest for manifest in yaml.safe_load_all(Path(path).read_text(encoding="utf-8")) if manifest]
    found = list(problems(manifests))
    print("\n".join(found) or f"{len(manifests)} manifests, nothing wrong")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
