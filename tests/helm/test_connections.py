"""The pods' environment in a process of its own: how each would connect to its servers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.helm import EVERYTHING, FILES, LEAST, plain, pods, referred, rendered
from tests.support.paths import ROOT
from tests.support.tls import Authority

if TYPE_CHECKING:
    from pathlib import Path

AWS = next(file for file in FILES if file.stem == "aws")
COMPONENTS = ("gateway", "poll-runner", "scheduler", "migrate")
EACH = pytest.mark.parametrize("component", COMPONENTS)
CA = "/etc/seonchak/ca/ca.pem"
SECRETS = {
    "REDIS_URL": "rediss://:r3dis@redis.example.com:6379/0",
    "DATABASE_URL": "mysql://shop:d4tabase@mysql.example.com:3306/seonchak",
    "MIGRATION_DATABASE_URL": "mysql://owner:0wner@mysql.example.com:3306/seonchak",
    "KAFKA_USERNAME": "shop",
    "KAFKA_PASSWORD": "k4fka",
}


def environment_of(pod: dict[str, Any], **secrets: str) -> dict[str, str]:
    """Return what the kubelet would give the pod, with a text for each key of a Secret."""
    # No secret may serve two purposes: each has a text of its own.
    given = {name: SECRETS.get(name, f"{name:x<40}") for name in referred(pod)}
    return plain(pod) | given | {name: text for name, text in secrets.items() if name in given}


def connections(environment: dict[str, str]) -> dict[str, Any]:
    """Return how a process with this environment, and nothing else, would connect."""
    words = [f"{name}={text}" for name, text in environment.items()]
    command = [sys.executable, "-m", "tests.support.pod_connections"]
    done = subprocess.run(
        ["env", "-i", "PATH=/usr/bin:/bin", *words, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@EACH
def test_with_scram_a_pod_logs_in_over_tls_and_checks_every_servers_name(component: str) -> None:
    pod = pods(rendered(LEAST))[component]
    found = connections(environment_of(pod))
    kafka = found["kafka"]
    assert kafka["servers"] == ["kafka-0.example.com:9096", "kafka-1.example.com:9096"]
    assert (kafka["protocol"], kafka["mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (kafka["user"], kafka["password"]) == ("shop", "k4fka")
    assert kafka["tls"]["verifies"]
    assert found["mysql"]["tls"]["verifies"]
    assert (found["mysql"]["user"], found["mysql"]["password"]) == ("shop", "d4tabase")
    assert found["redis"]["class"] == "BatchSharedSSLConnection"  # always verifies
    assert found["redis"]["servers"] == ["redis.example.com:6379"]
    assert found["redis"]["password"] == "r3dis"
    owner = {"user": "owner", "password": "0wner"}
    assert found["owner"] == (owner if component == "migrate" else {})


@EACH
def test_with_iam_a_pod_has_tokens_and_no_password_and_reads_its_secrets_by_name(
    component: str,
) -> None:
    pod = pods(rendered(AWS))[component]
    plain_redis = "rediss://redis.example.com:6379/0"  # its password is a secret of AWS
    found = connections(environment_of(pod, REDIS_URL=plain_redis))
    kafka = found["kafka"]
    assert kafka["servers"] == ["b-1.example.com:9098", "b-2.example.com:9098"]
    assert (kafka["protocol"], kafka["mechanism"]) == ("SASL_SSL", "OAUTHBEARER")
    assert (kafka["user"], kafka["password"], kafka["tokens"]) == (None, None, "MskTokens")
    assert kafka["tls"]["verifies"]
    owner = "seonchak/prod/owner" if component == "migrate" else ""
    assert found["secrets"] == {
        "database": "seonchak/prod/database",
        "owner": owner,
        "redis": "seonchak/prod/redis",
    }
    assert found["mysql"] == {"tls": found["mysql"]["tls"], "off": False}
    assert found["mysql"]["tls"]["verifies"]


@EACH
def test_with_private_authorities_a_pod_trusts_them_and_a_cluster_is_one(
    component: str, tmp_path: Path
) -> None:
    authority = str(Authority(tmp_path).file)
    pod = pods(rendered(EVERYTHING))[component]
    url = f"rediss://:r3dis@a.example.com:6379,b.example.com:6380/0?ssl_ca_certs={CA}"
    environment = environment_of(pod, REDIS_URL=url)
    assert [name for name, text in environment.items() if text == CA] == [
        *("DATABASE_CA_FILE", "SSL_CERT_FILE")
    ]
    here = {name: text.replace(CA, authority) for name, text in environment.items()}
    found = connections(here)
    private = {"verifies": True, "authorities": ["test authority"]}
    assert found["mysql"]["tls"] == private  # and no authority of the system
    assert found["kafka"]["tls"] == private
    assert found["redis"]["ca"] == authority
    assert found["redis"]["cluster"] is True
    assert found["redis"]["servers"] == ["a.example.com:6379", "b.example.com:6380"]


def test_without_the_secret_that_it_refers_to_a_pod_does_not_start() -> None:
    """The control: what was read above came from the pod's environment and nowhere else."""
    environment = environment_of(pods(rendered(LEAST))["gateway"])
    del environment["KAFKA_PASSWORD"]
    with pytest.raises(AssertionError, match="KAFKA_PASSWORD"):
        connections(environment)
