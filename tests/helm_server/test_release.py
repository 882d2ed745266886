"""The chart on Kubernetes' own API server: what it takes, in which order, and what helm leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.helm_server.conftest import APPS, BATCH, MIGRATION, NETWORK, RELEASE, Namespace
from tests.support.helm import EVERYTHING, FILES, LEAST
from tests.support.kubernetes import RefusedError
from tests.support.pretended_node import FAILED, PretendedNode, usual

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)  # helm itself gives each installation two minutes
EACH = pytest.mark.parametrize("values", FILES, ids=lambda file: file.stem)
GATEWAYS = 3  # of every set of values: gateway.replicas, gateway.autoscaling.minReplicas
LONGEST_RELEASE = "a" * 53  # helm refuses a longer one
NOT_RESTRICTED = {"name": "a", "image": "a"}  # it may be root, and become it


@EACH
def test_every_resource_and_every_pod_is_taken_by_a_namespace_of_restricted_pods(
    namespace: Namespace, node: PretendedNode, values: Path
) -> None:
    done = namespace.install(values)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr  # of pods that are not restricted, of what is deprecated
    namespace.until_ready(GATEWAYS)
    for each in namespace.items("deployments", APPS):
        wanted = each["spec"]["replicas"]
        assert each["status"]["readyReplicas"] == wanted > 0, each["metadata"]["name"]
    tested = namespace.helm("test", RELEASE)
    assert tested.returncode == 0, tested.stderr
    assert node.started.count("test") == 1


def test_a_pod_that_is_not_restricted_is_refused_there(namespace: Namespace) -> None:
    """The control of the test above."""
    pod = {"metadata": {"name": "a"}, "spec": {"containers": [NOT_RESTRICTED]}}
    with pytest.raises(RefusedError, match="violates PodSecurity"):
        namespace.api.call("POST", f"{namespace.path()}/pods", pod)


def test_what_the_server_warns_of_is_in_what_helm_prints(
    namespace: Namespace, tmp_path: Path
) -> None:
    """The second control: a chart with such a Deployment, for whose pods helm does not wait."""
    labels = {"app": "a"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [NOT_RESTRICTED]}}
    spec = {"selector": {"matchLabels": labels}, "template": pod}
    deployment = {"apiVersion": APPS, "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.yaml").write_text(yaml.safe_dump(deployment), "utf-8")
    chart = {"apiVersion": "v2", "name": "a", "version": "1.0.0"}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(chart), "utf-8")
    done = namespace.helm("install", "a", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Warning: would violate PodSecurity" in done.stderr


@pytest.mark.usefixtures("node")
def test_the_longest_name_that_helm_takes_gives_names_and_labels_that_the_server_takes(
    namespace: Namespace,
) -> None:
    done = namespace.install(EVERYTHING, release=LONGEST_RELEASE)
    assert done.returncode == 0, done.stderr
    tested = namespace.helm("test", LONGEST_RELEASE)
    assert tested.returncode == 0, tested.stderr


@pytest.mark.usefixtures("node")
def test_a_class_of_priority_that_is_missing_makes_no_pod_and_an_event_names_it(
    namespace: Namespace,
) -> None:
    done = namespace.install(LEAST, "--set", "priorityClassName=absent", "--timeout", "5s")
    assert done.returncode == 1
    assert MIGRATION in done.stderr
    assert namespace.items("pods") == []
    assert namespace.events("no PriorityClass with name absent was found")


def test_the_migration_ends_before_anything_else_is_there(
    namespace: Namespace, becoming: Callable[..., PretendedNode]
) -> None:
    seen: dict[str, set[str]] = {}

    def becomes(pod: dict[str, Any]) -> str:
        if not seen:  # while the first pod, the migration's, has not ended
            seen["accounts"] = namespace.names("serviceaccounts")
            seen["policies"] = namespace.names("networkpolicies", NETWORK)
            seen["deployments"] = namespace.names("deployments", APPS)
            seen["services"] = namespace.names("services")
        return usual(pod)

    with becoming(becomes) as node:
        done = namespace.install(LEAST)
    assert done.returncode == 0, done.stderr
    assert node.started[0] == "migrate"
    assert node.started.count("migrate") == 1
    assert seen == {
        "accounts": {"default", MIGRATION},
        "policies": {MIGRATION},
        "deployments": set(),
        "services": set(),
    }


@pytest.mark.long
def test_where_the_migration_fails_the_pods_of_before_run_on(
    namespace: Namespace, becoming: Callable[..., PretendedNode]
) -> None:
    with becoming(usual):
        assert namespace.install(LEAST, "--set", "image.tag=v1").returncode == 0
        namespace.until_ready(GATEWAYS)
    pods = namespace.gateway_pods()

    def becomes(pod: dict[str, Any]) -> str:
        return FAILED if pod["spec"]["restartPolicy"] == "Never" else usual(pod)

    with becoming(becomes) as node:
        failed = namespace.install(LEAST, "--set", "image.tag=v2")
        assert failed.returncode == 1, failed.stdout
        assert MIGRATION in failed.stderr
        assert set(node.started) == {"migrate"}
        # Its pods stay, for their logs.
        kept = [name for name in namespace.names("pods") if name.startswith(MIGRATION)]
        assert len(kept) == node.started.count("migrate") == 3
    assert namespace.image().endswith(":v1")
    assert namespace.gateway_pods() == pods
    # And the next one that succeeds goes on.
    with becoming(usual):
        done = namespace.install(LEAST, "--set", "image.tag=v3")
        assert done.returncode == 0, done.stderr
    assert namespace.image().endswith(":v3")


def test_a_rollback_brings_the_old_pods_back_and_runs_no_migration(
    namespace: Namespace, becoming: Callable[..., PretendedNode]
) -> None:
    with becoming(usual) as node:
        for tag in ("v1", "v2"):
            assert namespace.install(LEAST, "--set", f"image.tag={tag}").returncode == 0
        assert node.started.count("migrate") == 2
        done = namespace.helm("rollback", RELEASE, "1", "--wait", "--timeout", "2m")
        assert done.returncode == 0, done.stderr
        assert node.started.count("migrate") == 2
    assert namespace.image().endswith(":v1")


@pytest.mark.long
@pytest.mark.usefixtures("node")
def test_a_release_can_go_from_each_set_of_values_to_the_next(namespace: Namespace) -> None:
    """As the page says it where autoscaling is switched: scaled by hand, --force-conflicts."""
    for values in (*FILES, FILES[0]):
        for each in namespace.items("deployments", APPS):
            namespace.scale(each["metadata"]["name"], each["spec"]["replicas"] + 1)
        done = namespace.install(values, "--force-conflicts")
        assert done.returncode == 0, (values.stem, done.stderr)


@pytest.mark.usefixtures("node")
def test_what_helm_leaves_is_what_the_page_says_and_removes(namespace: Namespace) -> None:
    assert namespace.install(LEAST).returncode == 0
    done = namespace.helm("uninstall", RELEASE, "--wait")
    assert done.returncode == 0, done.stderr
    assert namespace.names("serviceaccounts") == {"default", MIGRATION}
    assert namespace.names("networkpolicies", NETWORK) == {MIGRATION}
    for kind, group in (("deployments", APPS), ("services", ""), ("jobs", BATCH)):
        assert namespace.names(kind, group) == set(), kind
    # As the page's kubectl does it, by the label.
    label = f"labelSelector=app.kubernetes.io/instance={RELEASE}"
    for kind, group in (("serviceaccounts", ""), ("networkpolicies", NETWORK)):
        namespace.api.call("DELETE", f"{namespace.path(group)}/{kind}?{label}")
    assert namespace.names("serviceaccounts") == {"default"}
    assert namespace.names("networkpolicies", NETWORK) == set()
