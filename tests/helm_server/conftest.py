"""One API server for all tests, with the operators' resources; a namespace for each test."""

from __future__ import annotations

import json
import subprocess
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from infra.helm import tools
from infra.helm.table import CHART
from tests.support.kubernetes import PATCH, Api, api_server
from tests.support.pretended_node import PretendedNode
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RELEASE = "shop"
GATEWAY = f"{RELEASE}-seonchak-gateway"
MIGRATION = f"{RELEASE}-seonchak-migrate"
APPS, POLICY, NETWORK, BATCH = "apps/v1", "policy/v1", "networking.k8s.io/v1", "batch/v1"
HELM_S = 300.0
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PRIORITIES = "/apis/scheduling.k8s.io/v1/priorityclasses"
# What Kubernetes calls the strictest standard. The server refuses a pod; of a Deployment or a Job,
# which makes pods, it warns.
RESTRICTED = {
    f"pod-security.kubernetes.io/{does}{version}": value
    for does in ("enforce", "warn")
    for version, value in (("", "restricted"), ("-version", "latest"))
}


@dataclass(frozen=True)
class Namespace:
    """A namespace that takes restricted pods only, and helm in it."""

    api: Api
    name: str

    def helm(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run helm in this namespace and return how it ended."""
        command = [str(tools.PROGRAMS / "helm"), *map(str, arguments)]
        where = ["--namespace", self.name, "--kubeconfig", str(self.api.kubeconfig)]
        return subprocess.run(
            [*command, *where], capture_output=True, text=True, check=False, timeout=HELM_S
        )

    def install(
        self, values: Path, *arguments: str, release: str = RELEASE
    ) -> subprocess.CompletedProcess[str]:
        """Install or upgrade a release, as docs/kubernetes.md does it."""
        words = ("upgrade", "--install", release, str(CHART), "--values", str(values), "--wait")
        return self.helm(*words, "--timeout", "2m", *arguments)

    def items(self, kind: str, group: str = "") -> list[dict[str, Any]]:
        """Return the resources of a kind, by its name in an address, and its group and version."""
        return self.api.items(f"{self.path(group)}/{kind}")

    def names(self, kind: str, group: str = "") -> set[str]:
        """Return the names of the resources of a kind."""
        return {each["metadata"]["name"] for each in self.items(kind, group)}

    def deployment(self, name: str = GATEWAY) -> dict[str, Any]:
        """Return a Deployment."""
        return self.api.call("GET", f"{self.path(APPS)}/deployments/{name}")

    def image(self) -> str:
        """Return the image of which the gateway's next pods are made."""
        [container] = self.deployment()["spec"]["template"]["spec"]["containers"]
        return str(container["image"])

    def gateway_pods(self) -> set[str]:
        """Return the names of the gateway's pods that have not been asked to end."""
        return {
            each["metadata"]["name"]
            for each in self.items("pods")
            if each["metadata"]["labels"].get("app.kubernetes.io/component") == "gateway"
            and "deletionTimestamp" not in each["metadata"]
        }

    def until_ready(self, count: int, name: str = GATEWAY) -> None:
        """Wait until a Deployment has that many pods, and all of them are ready."""

        def is_so() -> bool:
            found = self.deployment(name)
            status = found["status"]
            numbers = (status.get("replicas"), status.get("readyReplicas"))
            return found["spec"]["replicas"] == count and numbers == (count, count)

        eventually(is_so, f"{name} has {count} ready pods")

    def events(self, text: str) -> list[str]:
        """Return what controllers say of this namespace, where the text is in it."""
        return [each["message"] for each in self.items("events") if text in each["message"]]

    def scale(self, name: str, count: int) -> None:
        """Scale a Deployment as `kubectl scale` and autoscalers do."""
        path = f"{self.path(APPS)}/deployments/{name}/scale"
        self.api.call("PATCH", path, {"spec": {"replicas": count}}, PATCH)

    def path(self, group: str = "") -> str:
        """Return where the resources of a group are."""
        return f"{'/apis/' + group if group else '/api/v1'}/namespaces/{self.name}"


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API server that knows what KEDA, the Gateway API and the Prometheus operator define.

    And the class of priority that tests/helm/values/everything.yaml names.
    """
    with api_server(tmp_path_factory.mktemp("kubernetes")) as running:
        for module, files in tools.DEFINITIONS.items():
            folder = tools.fetch(module)
            for file in files:
                for definition in yaml.safe_load_all((folder / file).read_text("utf-8")):
                    # Dates are read as such by YAML, and are text in JSON.
                    text = json.dumps(definition, default=str)
                    running.call("POST", DEFINITIONS, json.loads(text))
        running.call("POST", PRIORITIES, {"metadata": {"name": "high"}, "value": 1000})
        eventually(lambda: all(map(_is_established, running.items(DEFINITIONS))), "they are served")
        yield running


def _is_established(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions", [])
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


@pytest.fixture
def namespace(api: Api) -> Iterator[Namespace]:
    name = f"coupons-{uuid.uuid4().hex[:8]}"
    metadata = {"name": name, "labels": RESTRICTED}
    api.call("POST", "/api/v1/namespaces", {"metadata": metadata})
    found = Namespace(api, name)
    eventually(lambda: "default" in found.names("serviceaccounts"), "it has its account")
    yield found
    # Not waited for: controllers give pods their time, and no other test looks into it.
    api.call("DELETE", f"/api/v1/namespaces/{name}")
    api.call("DELETE", f"{found.path()}/pods", {"gracePeriodSeconds": 0})


@pytest.fixture
def node(namespace: Namespace) -> Iterator[PretendedNode]:
    with PretendedNode(namespace.api, namespace.name) as taking:
        yield taking


@pytest.fixture
def becoming(namespace: Namespace) -> Callable[[Callable[[dict[str, Any]], str]], PretendedNode]:
    """Return a node on which something else becomes of pods than usual."""
    return lambda becomes: PretendedNode(namespace.api, namespace.name, becomes)
