"""What the chart renders: secrets by reference, probes, limits, policies, autoscaling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local import migrate, scheduler, serve
from local.poll_runner import run as poll_runner
from tests.support.chart import properties
from tests.support.helm import (
    EVERYTHING,
    FILES,
    LEAST,
    container,
    of_kind,
    plain,
    pods,
    referred,
    rendered,
)

if TYPE_CHECKING:
    from pathlib import Path

EACH = pytest.mark.parametrize("values", FILES, ids=lambda file: file.stem)
RUNNING = ("gateway", "poll-runner", "scheduler")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@pytest.fixture(scope="module")
def everything() -> list[dict[str, Any]]:
    return rendered(EVERYTHING)


@EACH
def test_every_pod_runs_without_privileges(values: Path) -> None:
    resources = rendered(values)
    specs = [pod["spec"] for pod in pods(resources).values()]
    specs += [pod["spec"] for pod in of_kind(resources, "Pod").values()]
    assert len(specs) >= len(RUNNING) + 1
    for spec in specs:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        [only] = spec["containers"]
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert only["resources"]["requests"].keys() == {"cpu", "memory"}
        assert only["resources"]["limits"].keys() == {"memory"}


def test_a_setting_has_the_text_that_the_service_reads(everything: list[dict[str, Any]]) -> None:
    found = plain(pods(everything)["gateway"])
    assert found["APPLY_RATE_PER_ADDRESS_PER_S"] == "1000000"
    assert found["REDIS_CLUSTER"] == "true"
    assert found["OTEL_TRACES_SAMPLER_ARG"] == "0.01"
    assert found["DATABASE_CA_FILE"] == found["SSL_CERT_FILE"] == "/etc/seonchak/ca/ca.pem"


def test_every_plain_setting_reaches_every_pod() -> None:
    words = {"anyOf": "on", "string": "s-1", "integer": "1", "number": "1"}
    given = {}
    for name, part in properties("settings").items():
        kind = part.get("type", "anyOf")
        kind = kind[0] if isinstance(kind, list) else kind
        given[name] = next(filter(None, part.get("enum", [words[kind]])))
    given |= {
        "KAFKA_BOOTSTRAP_SERVERS": "k:1",
        "KAFKA_SECURITY": "PLAINTEXT",
        "DATABASE_TLS": "off",
    }
    given |= {"AUTH_JWKS_URL": "https://a/k", "OTEL_SDK_DISABLED": "false"}
    given["KAFKA_ACK_TIMEOUT_MS"] = given["AUTH_MAX_LIFE_S"] = "1000"
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        given[name] = "https://a:4318"
    # One of two, or of three: these come from Secrets here.
    for name in ("DATABASE_SECRET_ID", "AUTH_JWT_SECRET_ID", "COUPON_CODE_SECRET_ID"):
        del given[name]
    arguments = [word for one in given.items() for word in ("--set", "settings." + "=".join(one))]
    for name, pod in pods(rendered(LEAST, *arguments)).items():
        found = plain(pod)
        assert {each: found[each] for each in given} == given, name


def test_secrets_are_referred_to_and_the_owner_of_the_tables_is_the_migrations_alone(
    everything: list[dict[str, Any]],
) -> None:
    found = pods(everything)
    for name in RUNNING:
        secrets = referred(found[name])
        assert secrets["REDIS_URL"] == ("seonchak", "REDIS_URL")
        assert secrets["KAFKA_PASSWORD"] == ("kafka-user", "password")
        assert secrets["OTEL_EXPORTER_OTLP_HEADERS"] == ("collector", "headers")
        assert not [each for each in secrets if each.startswith("MIGRATION_")]
    owner = referred(found["migrate"])["MIGRATION_DATABASE_URL"]
    assert owner == ("seonchak-migration", "MIGRATION_DATABASE_URL")
    assert found["migrate"]["spec"]["serviceAccountName"] == "shop-seonchak-migrate"


@EACH
def test_every_program_knows_the_arguments_that_it_gets(values: Path) -> None:
    parsers = {
        "gateway": serve._parser(),
        "poll-runner": poll_runner._parser(),
        "scheduler": scheduler._parser(),
        "migrate": migrate._parser(),
    }
    for name, pod in pods(rendered(values)).items():
        # An argument that is unknown or out of bounds ends the test by SystemExit.
        parsers[name].parse_args(container(pod)["args"])


@EACH
def test_no_probe_that_ends_a_pod_asks_another_server(values: Path) -> None:
    found = pods(rendered(values))
    for probe in PROBES:
        assert container(found["gateway"])[probe]["httpGet"] == {"path": "/health", "port": "http"}
    for probe in ("startupProbe", "livenessProbe"):
        asked = container(found["poll-runner"])[probe]["httpGet"]
        assert asked == {"path": "/metrics", "port": "metrics"}
        command = container(found["scheduler"])[probe]["exec"]["command"]
        assert command[-2:] == ["--heartbeat", "/tmp/heartbeat"]  # noqa: S108 - of the pod
    assert "--heartbeat=/tmp/heartbeat" in container(found["scheduler"])["args"]


def test_poll_runners_grow_with_the_lag_up_to_one_consumer_for_each_partition(
    everything: list[dict[str, Any]],
) -> None:
    [scaled] = of_kind(everything, "ScaledObject").values()
    # 13 partitions, two consumers in each pod.
    assert scaled["spec"]["maxReplicaCount"] == 7
    assert "replicas" not in of_kind(everything, "Deployment")["shop-seonchak-poll-runner"]["spec"]
    [trigger] = scaled["spec"]["triggers"]
    assert trigger["metadata"]["sasl"] == "scram_sha512"
    [login] = of_kind(everything, "TriggerAuthentication").values()
    assert trigger["authenticationRef"] == {"name": login["metadata"]["name"]}
    asked = {
        each["parameter"]: (each["name"], each["key"]) for each in login["spec"]["secretTargetRef"]
    }
    assert asked["password"] == ("kafka-user", "password")


def test_what_scales_the_gateway_is_not_undone_by_an_upgrade(
    everything: list[dict[str, Any]],
) -> None:
    [scaler] = of_kind(everything, "HorizontalPodAutoscaler").values()
    gateway = of_kind(everything, "Deployment")[scaler["spec"]["scaleTargetRef"]["name"]]
    assert "replicas" not in gateway["spec"]


@EACH
def test_each_selector_finds_the_pods_of_one_component(values: Path) -> None:
    resources = rendered(values)
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(resources).items()}
    selected = [
        *(
            each["spec"]["selector"]["matchLabels"]
            for each in of_kind(resources, "Deployment").values()
        ),
        *(
            each["spec"]["selector"]["matchLabels"]
            for each in of_kind(resources, "PodDisruptionBudget").values()
        ),
        *(
            each["spec"]["podSelector"]["matchLabels"]
            for each in of_kind(resources, "NetworkPolicy").values()
        ),
        *(each["spec"]["selector"] for each in of_kind(resources, "Service").values()),
    ]
    assert len(selected) >= 6
    for wanted in selected:
        assert len([found for found in labels.values() if wanted.items() <= found.items()]) == 1


def test_every_pod_has_a_policy_that_lets_it_reach_the_servers(
    everything: list[dict[str, Any]],
) -> None:
    policies = of_kind(everything, "NetworkPolicy")
    assert policies.keys() == {f"shop-seonchak-{name}" for name in pods(everything)}
    for policy in policies.values():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        ports = {
            port["port"] for rule in policy["spec"]["egress"] for port in rule.get("ports", [])
        }
        # DNS; Redis; Kafka as named and as advertised; MySQL; HTTPS, the issuer, the collector.
        assert ports >= {53, 6379, 6380, 9096, 9097, 3306, 443, 8443, 4318}
    let_in = policies["shop-seonchak-gateway"]["spec"]["ingress"]
    assert [rule["ports"][0]["port"] for rule in let_in] == ["http", "metrics"]
    assert all(rule["from"] for rule in let_in)


def test_the_migration_runs_before_everything_else_with_what_it_needs(
    everything: list[dict[str, Any]],
) -> None:
    hooks = {
        each["kind"]: int(each["metadata"]["annotations"]["helm.sh/hook-weight"])
        for each in everything
        if "pre-upgrade" in each["metadata"].get("annotations", {}).get("helm.sh/hook", "")
    }
    assert hooks == {"ServiceAccount": -10, "NetworkPolicy": -10, "Job": 0}


def test_without_policies_autoscaling_and_migration_there_is_none_of_them() -> None:
    kinds = {each["kind"] for each in rendered(next(f for f in FILES if f.stem == "small"))}
    assert kinds == {"Deployment", "PodDisruptionBudget", "Pod", "Service", "ServiceAccount"}
