"""handlers/adapters/aws/secrets_extension.py: secrets over HTTP on this machine, without boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.aws.secrets import Secret, SecretVersion
from handlers.adapters.aws.secrets_extension import SecretsExtension
from handlers.domain.errors import UnavailableError
from tests.support.secrets_extension import Extension

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/jwt+key-a1b2c3"


@pytest.fixture
def extension() -> Extension:
    return Extension()


@pytest.fixture
def source(extension: Extension) -> Iterator[SecretsExtension]:
    with extension.served() as port:
        yield SecretsExtension(port, {"AWS_SESSION_TOKEN": "session"})


def test_a_secret_is_read_by_its_stage_with_the_session_token_as_proof(
    source: SecretsExtension, extension: Extension
) -> None:
    extension.secrets = {(NAME, "AWSCURRENT"): "now", (NAME, "AWSPREVIOUS"): "before"}
    secret = Secret(NAME, source)
    assert (secret.current(), secret.previous(60)) == ("now", "before")
    assert extension.tokens == ["session", "session"]


def test_a_stage_that_is_not_there_is_none_and_a_secret_that_is_not_there_an_outage(
    source: SecretsExtension, extension: Extension
) -> None:
    extension.secrets = {(NAME, "AWSCURRENT"): "now"}
    assert Secret(NAME, source).previous(60) is None
    with pytest.raises(UnavailableError, match="prod/other"):
        Secret("prod/other", source).current()


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-11-22T03:00:00Z", 1_795_316_400),
        ("2026-11-22T03:00:00.5Z", 1_795_316_400.5),
        ("2026-11-22T12:00:00+09:00", 1_795_316_400),
        ("2026-11-22T03:00:00", 1_795_316_400),
        (1_795_316_400, 1_795_316_400),
        ("yesterday", None),
        (None, None),
        ({}, None),
    ],
)
def test_the_time_of_a_rotation_is_read_in_any_form_and_may_be_missing(
    source: SecretsExtension, extension: Extension, created: object, expected: float | None
) -> None:
    body = {"SecretString": "now", "CreatedDate": created}
    extension.broken = (200, json.dumps(body).encode())
    assert source.read(NAME, "AWSCURRENT") == SecretVersion("now", expected)


@pytest.mark.parametrize(
    "broken",
    [
        (400, b"not ready to serve traffic, please wait"),
        (403, b"forbidden"),
        (500, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"SecretBinary": "aGVsbG8="}'),
        (200, b"\xff"),
    ],
)
def test_a_bad_response_is_an_outage(
    source: SecretsExtension, extension: Extension, broken: tuple[int, bytes]
) -> None:
    extension.broken = broken
    with pytest.raises(UnavailableError):
        source.read(NAME, "AWSCURRENT")


def test_an_extension_that_is_not_there_is_an_outage(extension: Extension) -> None:
    with extension.served() as port:
        pass
    with pytest.raises(UnavailableError):
        SecretsExtension(port).read(NAME, "AWSCURRENT")
