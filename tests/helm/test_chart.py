"""The chart by helm and kubeconform: what it renders is valid, and wrong values are named."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from infra.helm.table import CHART
from infra.helm.tools import KUBERNETES
from tests.support.helm import (
    EVERYTHING,
    FILES,
    LEAST,
    kubeconform,
    pods,
    referred,
    rendered,
    run,
    template,
)
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EACH = pytest.mark.parametrize("values", FILES, ids=lambda file: file.stem)
# What is given to helm, and what its message must name.
WRONG = [
    (("settings.APPLY_RATE_PER_SECOND=5",), "APPLY_RATE_PER_SECOND"),
    (("settings.APPLY_RATE_PER_S=-1",), "APPLY_RATE_PER_S"),
    (("settings.APPLY_RATE_PER_S=ten",), "APPLY_RATE_PER_S"),
    (("settings.DATABASE_TLS=maybe",), "DATABASE_TLS"),
    (("settings.KAFKA_BOOTSTRAP_SERVERS=kafka",), "KAFKA_BOOTSTRAP_SERVERS"),
    (("settings.KAFKA_BOOTSTRAP_SERVERS=null",), "KAFKA_BOOTSTRAP_SERVERS"),
    (("settings.DATABASE_URL=mysql://a:b@c/d",), "DATABASE_URL"),
    (("secretSettings.REDIS_URL=redis://:password@redis",), "REDIS_URL"),
    (("secretSettings.REDIS_URL.value=x",), "value"),
    (("secretSettings.REDIS_URI.key=x",), "REDIS_URI"),
    (("image.repository=",), "repository"),
    (("image.digest=sha256:12",), "digest"),
    (("gateway.worker=2",), "worker"),
    (("gateway.workers=0",), "workers"),
    (("gateway.autoscaling.cpuPercent=101",), "cpuPercent"),
    (("gateways.replicas=2",), "gateways"),
    (("pollRunner.readiness=maybe",), "readiness"),
    (("listenOn=127.0.0.1",), "listenOn"),
    # A secret's text would be in the release; and a selector must find its pods.
    (("extraEnv[0].name=REDIS_URL", "extraEnv[0].value=password"), "/extraEnv/0/name"),
    (("podLabels.app\\.kubernetes\\.io/name=x",), "podLabels"),
    # What needs something else: templates/_checks.tpl.
    (("settings.AUTH_JWKS_URL=null",), "AUTH_JWT_SECRET, AUTH_JWT_SECRET_ID, AUTH_JWKS_URL"),
    (("secretSettings.AUTH_JWT_SECRET.key=jwt",), "exactly one of AUTH_JWT_SECRET"),
    (("settings.AUTH_ISSUER=null",), "settings.AUTH_ISSUER"),
    (("settings.DATABASE_SECRET_ID=a",), "exactly one of DATABASE_URL, DATABASE_SECRET_ID"),
    (("secretSettings.COUPON_CODE_SECRET=null",), "COUPON_CODE_SECRET_ID"),
    (("secretSettings.KAFKA_PASSWORD=null",), "secretSettings.KAFKA_PASSWORD"),
    (("settings.KAFKA_SECURITY=SASL_SSL_IAM",), "settings.AWS_REGION"),
    (("existingSecret=",), "no Secret is named"),
    (("migrate.existingSecret=",), "migrate.existingSecret"),
    (
        ("migrate.secretSettings.MIGRATION_DATABASE_URL=null",),
        "migrate needs a user of its own in MySQL",
    ),
    (("migrate.settings.MIGRATION_DATABASE_SECRET_ID=a",), "at most one"),
    (("ca.secret=a", "ca.configMap=b"), "ca: set at most one"),
    (("ca.secret=a", "settings.DATABASE_CA_FILE=/ca"), "not both"),
    (("gateway.autoscaling.minReplicas=30",), "minReplicas is above maxReplicas"),
    (("pollRunner.keda.enabled=true", "pollRunner.keda.minReplicas=7"), "above 6"),
    (("ingress.enabled=true",), "ingress.hosts"),
    (("httpRoute.enabled=true",), "httpRoute.parentRefs"),
]


def summary(text: str, version: str) -> dict[str, int]:
    found = json.loads(kubeconform(text, version).stdout)["summary"]
    assert isinstance(found, dict)
    return found


@EACH
def test_helm_finds_nothing_wrong(values: Path) -> None:
    done = run("helm", "lint", "--strict", CHART, "--values", values)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 chart(s) linted, 0 chart(s) failed" in done.stdout + done.stderr


def test_the_example_of_the_page_can_be_installed(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text("utf-8")
    [example] = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    file = tmp_path / "values.yaml"
    file.write_text(example, encoding="utf-8")
    done = kubeconform(template(file).stdout, KUBERNETES[-1])
    assert done.returncode == 0, done.stdout
    made = set(re.findall(r"--from-literal=([A-Z_]+)=", page))
    for pod in pods(rendered(file)).values():
        assert {key for _, key in referred(pod).values()} <= made


@EACH
def test_the_notes_say_how_to_reach_it(values: Path) -> None:
    arguments = ("--dry-run=client", "--namespace", "coupons", "--values", values)
    done = run("helm", "install", "shop", CHART, *arguments)
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("NOTES:")[2]
    assert "helm test shop --namespace coupons" in notes
    assert ("https://coupons.example.com" in notes) == (values == EVERYTHING)


@pytest.mark.parametrize("version", KUBERNETES)
@EACH
def test_every_resource_follows_its_schema_and_none_is_left_out(values: Path, version: str) -> None:
    # kubeconform names what is wrong; without a schema a resource is an error.
    text = template(values, "--kube-version", version).stdout
    done = kubeconform(text, version)
    assert done.returncode == 0, done.stdout
    found = summary(text, version)
    assert found["valid"] == text.count("\nkind: ") > 0
    assert (found["invalid"], found["errors"], found["skipped"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("automountServiceAccountToken:", "automountServiceAccountTokn:"),
        ("unhealthyPodEvictionPolicy: AlwaysAllow", "unhealthyPodEvictionPolicy: 3"),
        ("maxReplicaCount: 7", "maxReplicaCount: seven"),
        ("offsetResetPolicy: earliest", "offsetResetPolicy: {}"),
        ("podMetricsEndpoints:", "podMetricEndpoints:"),
        ("parentRefs:", "parentRef:"),
    ],
)
def test_control_a_property_that_is_wrong_is_noticed(right: str, wrong: str) -> None:
    text = template(EVERYTHING).stdout
    assert right in text
    assert summary(text.replace(right, wrong), KUBERNETES[-1])["invalid"] > 0


@pytest.mark.parametrize(("given", "named"), WRONG, ids=[" ".join(given) for given, _ in WRONG])
def test_a_wrong_value_is_refused_by_its_name(given: tuple[str, ...], named: str) -> None:
    arguments = [word for one in given for word in ("--set", one)]
    done = template(LEAST, *arguments)
    assert done.returncode != 0
    assert named in done.stderr
    assert "password" not in done.stderr.replace("KAFKA_PASSWORD", "")


def test_an_older_kubernetes_is_refused() -> None:
    assert "requires kubeVersion: >=1.29" in template(LEAST, "--kube-version", "1.28.0").stderr
