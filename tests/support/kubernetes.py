"""Kubernetes' own API server, store and controllers as processes, and calls of its API."""

from __future__ import annotations

import json
import ssl
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.helm.tools import PROGRAMS
from local.servers.ports import HOST, free_port
from tests.support.programs import running_command
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.programs import Program

TOKEN = "administrator-of-a-test"
START_S = 180.0  # both programs are large, and read from a disk
CALL_S = 30.0
# What the chart's resources need; the others would only take time.
CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "job-controller",
    "disruption-controller",
    "serviceaccount-controller",
    "namespace-controller",
    "garbage-collector-controller",
    "horizontal-pod-autoscaler-controller",
)
JSON, PATCH = "application/json", "application/merge-patch+json"


class RefusedError(Exception):
    """The API server refuses a call; the message is its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True)
class Api:
    """An API server, with an administrator's token."""

    port: int
    authority: Path
    kubeconfig: Path

    def call(
        self, method: str, path: str, body: object = None, content_type: str = JSON
    ) -> dict[str, Any]:
        """Return the answer; raise RefusedError for a status above 299, OSError without one."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type}
        data = None if body is None else json.dumps(body)
        context = _trusting(self.authority)
        connection = HTTPSConnection(HOST, self.port, timeout=CALL_S, context=context)
        with closing(connection):
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            text = answer.read()
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise RefusedError(answer.status, _message(text))
        found: dict[str, Any] = json.loads(text) if text.startswith(b"{") else {}
        return found

    def items(self, path: str) -> list[dict[str, Any]]:
        """Return the resources of a list."""
        found: list[dict[str, Any]] = self.call("GET", path)["items"]
        return found

    def names(self, path: str) -> set[str]:
        """Return the names of the resources of a list."""
        return {each["metadata"]["name"] for each in self.items(path)}

    def is_ready(self) -> bool:
        """Say whether the API server answers, and has made its own resources."""
        try:
            self.call("GET", "/readyz")
        except (OSError, RefusedError):
            return False
        return True


@cache
def _trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority))


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")


@contextmanager
def api_server(folder: Path) -> Iterator[Api]:
    """Start the three programs; they end with the block."""
    ports = {name: free_port() for name in ("etcd", "peer", "api")}
    certificates = folder / "certificates"
    api = Api(ports["api"], certificates / "apiserver.crt", folder / "kubeconfig")
    api.kubeconfig.write_text(json.dumps(_kubeconfig(api)), encoding="utf-8")
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n', "utf-8")
    _write_key(folder / "accounts.pem")
    with ExitStack() as stack:
        stack.enter_context(_running("etcd", _etcd(folder, ports)))
        server = stack.enter_context(_running("kube-apiserver", _server(folder, ports)))
        eventually(lambda: _is_up(server, api), "the API server is ready", START_S)
        arguments = [
            f"--kubeconfig={api.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
            f"--controllers={','.join(CONTROLLERS)}",
            f"--service-account-private-key-file={folder / 'accounts.pem'}",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            # 15 s by default, which every installation would wait for.
            "--horizontal-pod-autoscaler-sync-period=1s",
        ]
        stack.enter_context(_running("kube-controller-manager", arguments))
        yield api


def _is_up(server: Program, api: Api) -> bool:
    assert server.process.poll() is None, "\n".join(server.err.seen[-20:])
    return api.is_ready()


@contextmanager
def _running(program: str, arguments: list[str]) -> Iterator[Program]:
    found = PROGRAMS / "kubernetes"
    assert found.is_file(), "it is missing: `make test-helm-server` builds it"
    with running_command(str(found), program, *arguments, environment={}) as it:
        yield it


def _etcd(folder: Path, ports: dict[str, int]) -> list[str]:
    client, peer = (f"http://{HOST}:{ports[name]}" for name in ("etcd", "peer"))
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",  # nothing of it is kept
        "--log-level=error",
    ]


def _server(folder: Path, ports: dict[str, int]) -> list[str]:
    return [
        f"--etcd-servers=http://{HOST}:{ports['etcd']}",
        f"--bind-address={HOST}",
        f"--secure-port={ports['api']}",
        # No one comes by this address, which must be none of the loopback interface.
        "--advertise-address=192.0.2.1",
        "--endpoint-reconciler-type=none",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'accounts.pem'}",
        f"--service-account-signing-key-file={folder / 'accounts.pem'}",
    ]


def _kubeconfig(api: Api) -> dict[str, Any]:
    server = f"https://{HOST}:{api.port}"
    cluster = {"server": server, "certificate-authority": str(api.authority)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }


def _write_key(file: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
