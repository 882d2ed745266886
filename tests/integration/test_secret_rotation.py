"""How long the secret before a rotation is good, with Secrets Manager (moto)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from handlers.adapters.aws.secrets import MAX_AGE_S, Secret
from handlers.adapters.aws.secrets_manager import SecretsManager
from tests.support.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "prod/jwt"
DAY_S = 86_400


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account, and worthless credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield


def store(text: str) -> None:
    boto3.client("secretsmanager").create_secret(Name=NAME, SecretString=text)


def change(text: str) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId=NAME, SecretString=text)


def test_the_previous_secret_is_good_for_its_time_after_the_change_was_seen() -> None:
    store("first")
    clock, wall = ManualClock(0.0), ManualClock(time.time() + 10 * DAY_S)
    secret = Secret(NAME, SecretsManager(), clock=clock, now=wall)
    assert secret.current() == "first"
    change("second")
    clock.now_s = MAX_AGE_S
    assert secret.previous(60) == "first"
    wall.now_s += 59
    assert secret.previous(60) == "first"
    assert secret.previous(0) is None
    wall.now_s += 1
    assert secret.previous(60) is None


def test_a_process_that_starts_later_knows_when_the_secret_was_rotated() -> None:
    store("first")
    change("second")
    for later_s, expected in ((50, "first"), (70, None)):
        wall = ManualClock(time.time() + later_s)
        assert Secret(NAME, SecretsManager(), now=wall).previous(60) == expected


def test_with_no_time_for_it_there_is_no_previous_secret_whatever_the_clocks_say() -> None:
    store("first")
    change("second")
    behind = ManualClock(time.time() - DAY_S)
    secret = Secret(NAME, SecretsManager(), now=behind)
    assert secret.previous(60) == "first"
    assert secret.previous(0) is None


def test_a_second_change_makes_a_leaked_secret_useless_and_not_the_current_one() -> None:
    store("leaked")
    secret = Secret(NAME, SecretsManager(), clock=(clock := ManualClock(0.0)))
    assert (secret.current(), secret.previous(DAY_S)) == ("leaked", None)
    change("first")
    change("second")
    clock.now_s = MAX_AGE_S
    assert (secret.current(), secret.previous(DAY_S)) == ("second", "first")


def test_a_previous_secret_that_was_read_before_a_rotation_is_read_again_after_it() -> None:
    store("first")
    change("second")
    secret = Secret(NAME, SecretsManager(), clock=(clock := ManualClock(0.0)))
    secret.current()
    clock.now_s = MAX_AGE_S - 1
    assert secret.previous(DAY_S) == "first"
    change("third")
    clock.now_s = MAX_AGE_S
    assert (secret.current(), secret.previous(DAY_S)) == ("third", "second")
