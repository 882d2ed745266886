"""helm and kubeconform of `make test-helm`, and what they make of the chart."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from infra.helm.table import CHART
from infra.helm.tools import PROGRAMS, SCHEMAS
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted((ROOT / "tests" / "helm" / "values").glob("*.yaml"))
LEAST = next(file for file in FILES if file.stem == "least")
EVERYTHING = next(file for file in FILES if file.stem == "everything")
RELEASE = "shop"
TIMEOUT_S = 60.0


def run(
    program: str, *arguments: str | Path, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    found = PROGRAMS / program
    assert found.is_file(), f"{program} is missing: `make test-helm` builds it"
    command = [str(found), *map(str, arguments)]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )


def template(values: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("helm", "template", RELEASE, CHART, "--values", values, *arguments)


def rendered(values: Path, *arguments: str) -> list[dict[str, Any]]:
    """Return every resource that the values give."""
    done = template(values, *arguments)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def of_kind(resources: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a kind by their names."""
    return {each["metadata"]["name"]: each for each in resources if each["kind"] == kind}


def pods(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the template of the pods of each component, and of the migration."""
    kinds = ("Deployment", "Job")
    found = [each["spec"]["template"] for each in resources if each["kind"] in kinds]
    return {pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod for pod in found}


def container(pod: dict[str, Any]) -> dict[str, Any]:
    [only] = pod["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def plain(pod: dict[str, Any]) -> dict[str, str]:
    """Return the variables that have their text in the pod."""
    return {one["name"]: one["value"] for one in container(pod)["env"] if "value" in one}


def referred(pod: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the Secret and the key of each variable that a pod takes from one."""
    sources = {
        one["name"]: one["valueFrom"]["secretKeyRef"]
        for one in container(pod)["env"]
        if "valueFrom" in one
    }
    return {name: (source["name"], source["key"]) for name, source in sources.items()}


def kubeconform(text: str, version: str) -> subprocess.CompletedProcess[str]:
    """Compare resources with the schemas of a version of Kubernetes, and of the operators."""
    own = "{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json"
    others = "{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"
    places = [f"{SCHEMAS}/{name}" for name in (own, others)]
    locations = [word for place in places for word in ("-schema-location", place)]
    options = ("-strict", "-summary", "-output", "json", "-kubernetes-version", version)
    return run("kubeconform", *options, *locations, text=text)
