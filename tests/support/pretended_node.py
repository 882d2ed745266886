"""A node without containers: it takes pods, and says of each what a kubelet would say of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

from tests.support.kubernetes import PATCH, Api, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

NODE = "pretended"
LOOK_EVERY_S = 0.2
COMPONENT = "app.kubernetes.io/component"
NOT_FOUND, CONFLICT = 404, 409
# What became of a container: it runs and is ready, runs and is not, ended well, or failed.
RUNNING, UNREADY, SUCCEEDED, FAILED = "running", "unready", "succeeded", "failed"


def usual(pod: dict[str, Any]) -> str:
    """Return what becomes of a pod where all goes well: what runs once ends well."""
    return SUCCEEDED if pod["spec"]["restartPolicy"] == "Never" else RUNNING


class PretendedNode:
    """Takes each pod of a namespace once; `becomes` decides. Runs until the end of its block.

    started: the component of each pod, in the order in which the node took them.
    """

    def __init__(
        self, api: Api, namespace: str, becomes: Callable[[dict[str, Any]], str] = usual
    ) -> None:
        self.becomes = becomes
        self.started: list[str] = []
        self.failure: BaseException | None = None
        self._api = api
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
        if NODE not in self._api.names("/api/v1/nodes"):
            self._api.call("POST", "/api/v1/nodes", node)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()
        if self.failure and not error:
            raise self.failure

    def _run(self) -> None:
        try:
            while not self._stopped.wait(LOOK_EVERY_S):
                for pod in self._api.items(self._pods):
                    self._look_at(pod)
        except (OSError, RefusedError, KeyError) as error:
            self.failure = error

    def _look_at(self, pod: dict[str, Any]) -> None:
        path = f"{self._pods}/{pod['metadata']['name']}"
        try:
            if "deletionTimestamp" in pod["metadata"]:
                self._api.call("DELETE", path, {"gracePeriodSeconds": 0})
            elif "nodeName" not in pod["spec"]:
                target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
                binding = {"metadata": {"name": pod["metadata"]["name"]}, "target": target}
                self._api.call("POST", f"{path}/binding", binding)
            elif pod["status"]["phase"] == "Pending":
                self.started.append(pod["metadata"]["labels"].get(COMPONENT, ""))
                status = {"status": status_of(pod, self.becomes(pod))}
                self._api.call("PATCH", f"{path}/status", status, PATCH)
        except RefusedError as error:
            if error.status not in {NOT_FOUND, CONFLICT}:  # it went, or changed, meanwhile
                raise


def status_of(pod: dict[str, Any], became: str) -> dict[str, Any]:
    """Return a pod's status as a kubelet writes it."""
    phases = {SUCCEEDED: "Succeeded", FAILED: "Failed"}
    codes = {SUCCEEDED: 0, FAILED: 1}
    ready = became == RUNNING
    ended = {"terminated": {"exitCode": codes.get(became, 0)}}
    runs = {"running": {"startedAt": pod["metadata"]["creationTimestamp"]}}
    containers = [
        {
            "name": each["name"],
            "image": each["image"],
            "imageID": "",
            "ready": ready,
            "started": became in {RUNNING, UNREADY},
            "restartCount": 0,
            "state": ended if became in phases else runs,
        }
        for each in pod["spec"]["containers"]
    ]
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    return {
        "phase": phases.get(became, "Running"),
        "startTime": pod["metadata"]["creationTimestamp"],
        "containerStatuses": containers,
        "conditions": [{"type": kind, "status": str(ready or kind in kinds[:2])} for kind in kinds],
    }
