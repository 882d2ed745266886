"""handlers/wiring.py: each client once per process, and no unneeded imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from handlers import operations, wiring
from handlers.config import ConfigurationError, Settings
from handlers.domain.coupon_codes import CouponCodes
from tests.support.paths import ROOT
from tests.support.secrets_extension import Extension
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

THREADS = 50
GETTERS = [
    wiring.settings,
    wiring.authenticator,
    wiring.rejection_cache,
    wiring.scripts,
    wiring.admissions,
    wiring.redis_campaigns,
    wiring.publisher,
    wiring.database,
    wiring.ledger,
    wiring.mysql_queries,
    wiring.own_coupon_queries,
    wiring.secrets,
    operations.failed_batches,
    operations.migration,
]

APPLY_HANDLER = "handlers.apply:apply_handler"

# A new process applies once, then prints the modules that it has imported.
APPLY = """
import json, sys, time
from {module} import {name} as subject
from handlers import operations, wiring
from handlers.apply import apply_handler
from handlers.domain.admission import Admission, Outcome
import jwt

class Admissions:
    def admit_all(self, applicants):
        return [Admission(Outcome.{outcome}, 1, 1, 1) for _ in applicants]

    def rejection(self, campaign_id, winners_max):
        return None

    def confirm_all(self, admitted, deadline):
        return [True for _ in admitted]

token = jwt.encode({{"sub": "42", "exp": int(time.time()) + 600}}, {secret!r})
headers = {{"Authorization": "Bearer " + token}}
with wiring.override(wiring.admissions, Admissions()):
    if {outcome!r} == "ACCEPTED":
        wiring.publisher().publish_all = lambda messages: [True for _ in messages]
    response = apply_handler({{"headers": headers, "pathParameters": {{"id": "welcome"}}}}, None)
print(json.dumps([response["statusCode"], sorted(sys.modules)]))
"""


class Client:
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def nothing_built(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    wiring.reset()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    yield
    wiring.reset()


def concurrently(get: Callable[[], object]) -> list[object]:
    barrier = threading.Barrier(THREADS)

    def call(_: int) -> object:
        barrier.wait()
        return get()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(call, range(THREADS)))


@pytest.mark.parametrize("get", GETTERS, ids=lambda get: str(get.__name__))
def test_each_client_is_built_once_for_all_concurrent_callers(
    get: Callable[[], object],
) -> None:
    assert len({id(client) for client in concurrently(get)}) == 1
    assert get() is get()


def test_a_slow_build_runs_once_for_all_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    builds = []

    def build_slowly() -> object:
        builds.append(1)
        time.sleep(0.05)  # long enough for every thread to call during the build
        return object()

    monkeypatch.setattr(Settings, "from_environment", build_slowly)
    assert len({id(client) for client in concurrently(wiring.settings)}) == 1
    assert len(builds) == 1


def test_a_build_that_fails_is_repeated_by_the_next_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REDIS_URL")
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        wiring.scripts()
    monkeypatch.setenv("REDIS_URL", ENVIRONMENT["REDIS_URL"])
    assert wiring.scripts() is wiring.scripts()


def test_a_reset_closes_every_client_and_reads_the_settings_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client()
    with wiring.override(wiring.ledger, client):
        before = wiring.settings()
        monkeypatch.setenv("COUPON_TOPIC", "another")
        assert wiring.settings() is before
        wiring.reset()
        assert client.closed
        assert wiring.settings().coupon_topic == "another"


def test_an_override_is_returned_meanwhile_and_the_client_before_it_afterwards() -> None:
    get: Callable[[], object] = wiring.settings
    before, client, inner = get(), Client(), Client()
    with wiring.override(get, client):
        assert concurrently(get) == [client] * THREADS
        with wiring.override(get, inner):
            assert get() is inner
        assert get() is client
    assert get() is before
    assert not client.closed


def test_an_override_of_an_unbuilt_client_leaves_no_client_even_after_an_error() -> None:
    client = Client()
    with pytest.raises(ZeroDivisionError), wiring.override(wiring.settings, client):
        _ = 1 / 0
    assert isinstance(wiring.settings(), Settings)


def test_a_reset_under_an_override_does_not_restore_the_closed_client() -> None:
    before, client = wiring.settings(), Client()
    with wiring.override(wiring.settings, client):
        wiring.reset()
        after = wiring.settings()
        assert after is not before
    assert wiring.settings() is after


def test_nothing_connects_before_it_is_used() -> None:
    for get in GETTERS:  # no server listens on the ports of the settings
        get()


def imported_by(outcome: str, subject: str, **settings: str) -> tuple[int, set[str]]:
    module, name = subject.split(":")
    secret = ENVIRONMENT["AUTH_JWT_SECRET"]
    program = APPLY.format(module=module, name=name, outcome=outcome, secret=secret)
    environment = {**os.environ, **ENVIRONMENT, "KAFKA_ACK_TIMEOUT_MS": "100", **settings}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: tuple[int, list[str]] = json.loads(done.stdout)
    return result[0], {module.partition(".")[0] for module in result[1]}


@pytest.mark.parametrize(
    "subject",
    [
        APPLY_HANDLER,  # the handler alone
        "handlers.routes:ROUTES",  # as the gateway imports it
        "app:app",  # as Lambda imports it
    ],
)
def test_a_rejected_apply_imports_neither_kafka_nor_mysql_nor_aws(subject: str) -> None:
    status, modules = imported_by("SOLD_OUT", subject)
    assert status == 409
    assert modules & {"kafka", "pymysql", "boto3", "botocore"} == set()


def test_an_accepted_apply_imports_kafka_and_still_not_mysql() -> None:
    # Also the negative control of the test above: it detects late imports.
    status, modules = imported_by("ACCEPTED", APPLY_HANDLER)
    assert status == 202
    assert modules & {"kafka", "pymysql", "boto3", "botocore"} == {"kafka"}


def test_an_apply_that_reads_its_secret_through_the_extension_imports_no_aws_library() -> None:
    extension = Extension()
    extension.secrets = {("prod/jwt", "AWSCURRENT"): ENVIRONMENT["AUTH_JWT_SECRET"]}
    named = {"AUTH_JWT_SECRET": "", "AUTH_JWT_SECRET_ID": "prod/jwt"}
    with extension.served() as port:
        status, modules = imported_by(
            "SOLD_OUT", APPLY_HANDLER, PARAMETERS_SECRETS_EXTENSION_HTTP_PORT=str(port), **named
        )
    assert status == 409
    assert modules & {"kafka", "pymysql", "boto3", "botocore"} == set()
    assert len(extension.tokens) == 1


def test_without_the_extension_the_same_secret_is_read_with_boto3() -> None:
    # The negative control: without credentials and a region there is no response and no secret.
    named = {"AUTH_JWT_SECRET": "", "AUTH_JWT_SECRET_ID": "prod/jwt"}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    status, modules = imported_by("SOLD_OUT", APPLY_HANDLER, **named, **nowhere)
    assert status == 503
    assert "boto3" in modules


def test_the_code_secret_may_come_from_secrets_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    extension = Extension()
    extension.secrets = {("prod/code", "AWSCURRENT"): "c" * 32}
    monkeypatch.setenv("COUPON_CODE_SECRET", "")
    monkeypatch.setenv("COUPON_CODE_SECRET_ID", "prod/code")
    with extension.served() as port:
        monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(port))
        owner = ("welcome", "42")
        assert wiring.ledger()._codes.of([owner]) == CouponCodes(b"c" * 32).of([owner])
    extension.secrets = {("prod/code", "AWSCURRENT"): "short"}
    wiring.reset()
    with extension.served() as port:
        monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(port))
        with pytest.raises(ConfigurationError, match="COUPON_CODE_SECRET_ID is shorter"):
            wiring.ledger()
