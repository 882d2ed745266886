"""Development tokens."""

from __future__ import annotations

import time

import jwt
import pytest

from local.dev_settings import DEVELOPMENT_SETTINGS
from local.token import main, mint

SECRET = "a-secret-of-a-test-that-has-32-bytes"


def test_a_token_carries_user_scope_and_an_expiry() -> None:
    claims = jwt.decode(mint(SECRET, "42", "a b", ttl_s=60), SECRET, algorithms=["HS256"])
    assert claims["sub"] == "42"
    assert claims["scope"] == "a b"
    assert 0 < claims["exp"] - time.time() <= 60
    assert jwt.decode(mint(SECRET, "42"), SECRET, algorithms=["HS256"]).keys() == {"sub", "exp"}


def test_the_program_prints_the_token_only(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--user", "42", "--scope", "coupon:admin", "--scope", "x"]
    assert main(arguments, {"AUTH_JWT_SECRET": SECRET}) == 0
    token = capsys.readouterr().out.strip()
    assert jwt.decode(token, SECRET, algorithms=["HS256"])["scope"] == "coupon:admin x"


@pytest.mark.parametrize("environment", [{}, {"STAGE": "local"}])
def test_the_development_secret_signs_where_none_is_set(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--user", "42"], environment) == 0
    secret = DEVELOPMENT_SETTINGS["AUTH_JWT_SECRET"]
    assert jwt.decode(capsys.readouterr().out.strip(), secret, algorithms=["HS256"])["sub"] == "42"


@pytest.mark.parametrize("environment", [{"STAGE": "prod"}, {"AUTH_JWT_SECRET": "short"}])
def test_no_other_stage_and_no_short_secret_signs(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--user", "42"], environment) == 2
    output = capsys.readouterr()
    assert "AUTH_JWT_SECRET" in output.err
    assert output.out == ""


@pytest.mark.parametrize("user", ["", "a b", "x" * 65, "쿠폰", "a\n", "\x7f"])
def test_a_user_id_that_the_service_would_refuse_is_refused_here(
    user: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"--user={user}"], {}) == 2
    assert "64 printable ASCII" in capsys.readouterr().err
