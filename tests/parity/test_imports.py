"""What an apply imports, seen from inside a bare interpreter with the zip only."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from local.token import sign
from tests.parity.events import http
from tests.support.record_batches import GZIP, LZ4, NONE, SNAPPY, ZSTD, packed
from tests.support.service import create_campaign, mint

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.config import Settings
    from tests.support.built_package import Built

APPLY = "POST /campaigns/{id}/apply"
HEAVY = ("boto3", "botocore", "kafka", "pymysql")
# What an apply does not use of the libraries, though their own files import it, and of ours.
UNUSED = (
    *("cryptography.hazmat.bindings", "jwt.algorithms", "redis.asyncio.client", "http.client"),
    *("kafka.admin", "kafka.consumer.group", "kafka.coordinator.consumer"),
    *("kafka.protocol.admin.acl", "kafka.protocol.consumer.fetch", "opentelemetry"),
    *("handlers.webhooks", "handlers.redemption", "handlers.reconcile", "handlers.rebuild"),
    *("handlers.consume", "handlers.migrate", "handlers.pages", "handlers.api.document"),
)
PROBE = """
import json, sys
sys.path[:0] = sys.argv[1:3]
from app import app
for line in sys.stdin:
    status = app(json.loads(line), None)["statusCode"]
    loaded = [name for name in sys.argv[3].split() if name in sys.modules]
    print(json.dumps([status, loaded]), flush=True)
"""
SIGN_AND_CHECK = """
import sys
sys.path.insert(0, sys.argv[1])
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
for name, key in (("RS256", rsa.generate_private_key(65537, 2048)),
                  ("ES256", ec.generate_private_key(ec.SECP256R1()))):
    token = jwt.encode({"sub": "42"}, key, name)
    sys.stdout.write(jwt.decode(token, key.public_key(), [name])["sub"])
    sys.stdout.write(" " if name == "RS256" else "\\n")
"""
READ_BATCHES = """
import sys
sys.path.insert(0, sys.argv[1])
from kafka.record import MemoryRecords
from kafka.structs import TopicPartition
from handlers.adapters.kafka.fetched_records import CommittedRecords
for line in sys.stdin:
    part = CommittedRecords(0, TopicPartition("t", 0), MemoryRecords(bytes.fromhex(line)))
    sys.stdout.write(" ".join(record.value.decode() for record in part.take(10)) + "\\n")
"""
TIMEOUT_S = 60
# The first test builds the package, which takes long on a busy machine.
pytestmark = pytest.mark.timeout(600)


def responses(
    built: Built,
    runtime: Path,
    environment: dict[str, str],
    events: list[dict[str, Any]],
    watched: tuple[str, ...] = HEAVY,
) -> list[list[Any]]:
    """Return the status of each event, and which of the watched modules were imported by then."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROBE, str(built.tree), str(runtime), " ".join(watched)],
        input="".join(json.dumps(event) + "\n" for event in events),
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_lambda(environment: dict[str, str], **more: str) -> dict[str, str]:
    # On a busy machine an ack may come late: then apply would write the row itself.
    late = {"KAFKA_ACK_TIMEOUT_MS": "20000"}
    lambdas = {"AWS_LAMBDA_FUNCTION_NAME": "test", "_HANDLER": "app.app"}
    return {**environment, **late, **lambdas, **more}


def test_a_rejected_request_imports_neither_kafka_nor_mysql_nor_aws(
    service: Settings,
    environment: dict[str, str],
    campaign_id: str,
    built: Built,
    runtime: Path,
) -> None:
    create_campaign(f"{campaign_id}-later", opens_in_s=3600)
    create_campaign(f"{campaign_id}-over", opens_in_s=-3600, open_for_s=60)
    create_campaign(f"{campaign_id}-open", quantity=1)
    token = mint("ann")
    refused = [
        http(APPLY, f"{campaign_id}-open"),
        http(APPLY, f"{campaign_id}-open", token="a.b.c"),
        http(APPLY, f"{campaign_id}-later", token=token),
        http(APPLY, f"{campaign_id}-over", token=token),
        http(APPLY, f"{campaign_id}-none", token=token),
    ]
    accepted = http(APPLY, f"{campaign_id}-open", token=token)
    found = responses(built, runtime, in_lambda(environment), [*refused, accepted])
    assert found[:-1] == [[401, []], [401, []], [409, []], [409, []], [404, []]]
    # The check of sys.modules would have found it.
    assert found[-1] == [202, ["kafka"]]
    sold_out = http(APPLY, f"{campaign_id}-open", token=mint("bob"))
    assert responses(built, runtime, in_lambda(environment), [sold_out]) == [[409, []]]


def test_an_accepted_apply_imports_only_the_parts_that_it_uses(
    service: Settings,
    environment: dict[str, str],
    campaign_id: str,
    built: Built,
    runtime: Path,
) -> None:
    create_campaign(campaign_id)
    now_s = int(time.time())
    plain = {"sub": "ann", "exp": now_s + 600}
    of_another_form = {"sub": "bob", "exp": now_s + 600, "nbf": now_s - 600}
    applications = [
        http(APPLY, campaign_id, token=sign(claims, service.auth_jwt_secret))
        for claims in (plain, of_another_form)
    ]
    found = responses(built, runtime, in_lambda(environment), applications, UNUSED)
    # PyJWT decides about the second one: so the check would have found what was imported.
    by_py_jwt = ["cryptography.hazmat.bindings", "jwt.algorithms", "http.client"]
    assert found == [[202, []], [202, by_py_jwt]]


def test_what_is_made_ahead_of_time_has_every_call_and_every_form_of_token(
    environment: dict[str, str], built: Built, runtime: Path
) -> None:
    ahead = in_lambda(environment, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
    needed = ("jwt.algorithms", "handlers.webhooks", "handlers.redemption", "handlers.pages")
    found = responses(built, runtime, ahead, [http("GET /health")], needed)
    assert found == [[200, list(needed)]]


@pytest.mark.parametrize("kind", ["provisioned-concurrency", "snap-start"])
def test_an_environment_created_ahead_of_time_has_all_before_its_first_event(
    environment: dict[str, str], built: Built, runtime: Path, kind: str
) -> None:
    ahead = in_lambda(environment, AWS_LAMBDA_INITIALIZATION_TYPE=kind)
    health = http("GET /health")
    assert responses(built, runtime, ahead, [health]) == [[200, ["kafka", "pymysql"]]]
    assert responses(built, runtime, in_lambda(environment), [health]) == [[200, []]]
    # As on AWS: the password is a secret, which boto3 will read.
    secret = {"DATABASE_SECRET_ID": "seonchak/prod/database", "DATABASE_HOST": "mysql.invalid"}
    on_aws = {n: v for n, v in ahead.items() if n != "DATABASE_URL"} | secret
    on_aws["AWS_DEFAULT_REGION"] = "ap-northeast-2"  # Lambda sets it
    assert responses(built, runtime, on_aws, [health]) == [[200, list(HEAVY)]]


def test_signatures_of_an_issuer_are_checked_with_the_packages_in_the_zip(built: Built) -> None:
    checked = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SIGN_AND_CHECK, str(built.tree)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout) == (0, "42 42\n"), checked.stderr


def test_batches_in_any_codec_are_read_with_the_packages_in_the_zip(built: Built) -> None:
    messages: list[Any] = [(1, b"k", value, []) for value in (b"one", b"two")]
    codecs = [NONE, GZIP, SNAPPY, LZ4, ZSTD]
    read = subprocess.run(
        [sys.executable, "-I", "-S", "-c", READ_BATCHES, str(built.tree)],
        input="".join(packed(messages, codec, 0, 0).hex() + "\n" for codec in codecs),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert (read.returncode, read.stdout) == (0, "one two\n" * len(codecs)), read.stderr
