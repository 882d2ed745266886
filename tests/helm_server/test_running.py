"""What Kubernetes' own controllers do with a release that runs: drains, rollouts, scaling."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from infra.helm.table import CHART
from tests.helm_server.conftest import GATEWAY, POLICY, RELEASE, Namespace
from tests.support.helm import LEAST
from tests.support.kubernetes import PATCH, RefusedError
from tests.support.pretended_node import UNREADY, PretendedNode, usual
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)  # helm itself gives each installation two minutes
POLL_RUNNER = f"{RELEASE}-seonchak-poll-runner"
TOO_MANY_REQUESTS = 429
GATEWAYS, POLL_RUNNERS = 3, 2


def evict(namespace: Namespace, pod: str) -> None:
    """Ask for a pod's place as the drain of a node does."""
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    namespace.api.call("POST", f"{namespace.path()}/pods/{pod}/eviction", eviction)


def budget(namespace: Namespace) -> dict[str, int]:
    """Return what is known of the gateway's pods: currentHealthy, disruptionsAllowed."""
    path = f"{namespace.path(POLICY)}/poddisruptionbudgets/{GATEWAY}"
    status: dict[str, int] = namespace.api.call("GET", path).get("status", {})
    return status


def test_a_drain_takes_one_ready_pod_at_a_time_and_those_that_are_not_ready_always(
    namespace: Namespace, becoming: Callable[..., PretendedNode]
) -> None:
    with becoming(usual):
        assert namespace.install(LEAST).returncode == 0
        namespace.until_ready(GATEWAYS)
        eventually(lambda: budget(namespace).get("currentHealthy") == GATEWAYS, "they are known")
    first, second, third = namespace.gateway_pods()
    assert budget(namespace)["disruptionsAllowed"] == 1
    # No node takes the pod in its place: one of three is missing.
    evict(namespace, first)
    eventually(lambda: budget(namespace)["currentHealthy"] == 2, "the budget is used up")
    with pytest.raises(RefusedError) as refused:
        evict(namespace, second)
    assert refused.value.status == TOO_MANY_REQUESTS
    status = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    namespace.api.call("PATCH", f"{namespace.path()}/pods/{third}/status", status, PATCH)
    eventually(lambda: budget(namespace)["currentHealthy"] == 1, "it is known")
    evict(namespace, third)
    assert third not in namespace.gateway_pods()


def test_a_rollout_ends_no_ready_pod_before_another_one_is_ready(
    namespace: Namespace, becoming: Callable[..., PretendedNode]
) -> None:
    with becoming(usual):
        assert namespace.install(LEAST, "--set", "image.tag=v1").returncode == 0
        namespace.until_ready(GATEWAYS)
    before = namespace.gateway_pods()

    def becomes(pod: dict[str, Any]) -> str:
        is_gateway = "gateway" in pod["metadata"]["name"]
        return UNREADY if is_gateway else usual(pod)

    with becoming(becomes):
        done = namespace.install(LEAST, "--set", "image.tag=v2", "--timeout", "20s")
        assert done.returncode == 1
        assert before < namespace.gateway_pods()  # one more, which is not ready
    with becoming(usual):
        assert namespace.install(LEAST, "--set", "image.tag=v3").returncode == 0
        namespace.until_ready(GATEWAYS)
        assert not before & namespace.gateway_pods()


@pytest.mark.usefixtures("node")
def test_an_upgrade_that_changes_nothing_ends_no_pod(namespace: Namespace) -> None:
    assert namespace.install(LEAST).returncode == 0
    namespace.until_ready(GATEWAYS)
    pods = namespace.gateway_pods()
    revision = namespace.deployment()["metadata"]["generation"]
    assert namespace.install(LEAST).returncode == 0
    assert namespace.deployment()["metadata"]["generation"] == revision
    assert namespace.gateway_pods() == pods


@pytest.mark.usefixtures("node")
def test_an_upgrade_leaves_the_number_of_pods_to_the_autoscaler(namespace: Namespace) -> None:
    assert namespace.install(LEAST).returncode == 0
    namespace.until_ready(GATEWAYS)
    namespace.scale(GATEWAY, GATEWAYS + 2)  # it measures nothing here, and lets that be
    namespace.until_ready(GATEWAYS + 2)
    assert namespace.install(LEAST, "--set", "image.tag=v2").returncode == 0
    namespace.until_ready(GATEWAYS + 2)


@pytest.mark.usefixtures("node")
def test_what_was_scaled_by_hand_holds_up_an_upgrade_until_the_values_say_the_same(
    namespace: Namespace,
) -> None:
    assert namespace.install(LEAST, "--set", "image.tag=v1").returncode == 0
    namespace.scale(POLL_RUNNER, POLL_RUNNERS + 2)
    refused = namespace.install(LEAST, "--set", "image.tag=v2")
    assert refused.returncode == 1
    assert "conflict" in refused.stderr
    assert ".spec.replicas" in refused.stderr
    assert namespace.image().endswith(":v2")  # half of it was done
    namespace.until_ready(POLL_RUNNERS + 2, POLL_RUNNER)
    done = namespace.install(LEAST, "--set", f"pollRunner.replicas={POLL_RUNNERS + 2}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "fixed", "count", "scaled"),
    [
        (GATEWAY, "gateway.autoscaling.enabled=false,gateway.replicas=6", 6, "image.tag=v2"),
        (POLL_RUNNER, "image.tag=v2", POLL_RUNNERS, "pollRunner.keda.enabled=true"),
    ],
    ids=["gateway", "poll runner"],
)
def test_autoscaling_is_refused_over_a_number_that_helm_set_until_it_was_scaled_by_hand(
    namespace: Namespace, node: PretendedNode, name: str, fixed: str, count: int, scaled: str
) -> None:
    assert namespace.install(LEAST, "--set", fixed).returncode == 0
    namespace.until_ready(count, name)
    refused = namespace.install(LEAST, "--set", scaled)
    assert refused.returncode == 1
    said = f"kubectl --namespace {namespace.name} scale deployment {name} --replicas={count + 1}"
    assert said in refused.stderr
    assert node.started.count("migrate") == 1  # nothing was changed, the schema included
    namespace.scale(name, count + 1)
    done = namespace.install(LEAST, "--set", scaled)
    assert done.returncode == 0, done.stderr
    namespace.until_ready(count + 1, name)


@pytest.mark.usefixtures("node")
def test_without_that_check_all_pods_but_one_end(namespace: Namespace, tmp_path: Path) -> None:
    """The control of the test above."""
    chart = tmp_path / "seonchak"
    shutil.copytree(CHART, chart)
    checks = chart / "templates" / "_checks.tpl"
    text = checks.read_text("utf-8")
    assert text.count('eq .operation "Apply"') == 1
    checks.write_text(text.replace('eq .operation "Apply"', "false"), "utf-8")
    fixed = "gateway.autoscaling.enabled=false,gateway.replicas=6"
    assert namespace.install(LEAST, "--set", fixed).returncode == 0
    namespace.until_ready(6)
    done = namespace.helm("upgrade", RELEASE, chart, "--values", LEAST)
    assert done.returncode == 0, done.stderr
    eventually(lambda: namespace.events("from 6 to 1"), "they end")
