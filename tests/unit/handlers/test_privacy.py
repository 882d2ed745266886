"""The setting of the retention, and what an erasure is refused for before it asks a server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from handlers.config import ConfigurationError, Settings
from handlers.privacy import erase_user_handler
from local.erase import main
from local.token import sign
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from tests.unit.conftest import Fakes, LogLines


@pytest.mark.parametrize("days", ["-1", "36501", "a year"])
def test_days_that_are_no_number_of_days_are_refused(days: str) -> None:
    with pytest.raises(ConfigurationError, match="RETENTION_DAYS"):
        Settings.from_environment({**ENVIRONMENT, "RETENTION_DAYS": days})


def test_without_the_setting_users_are_never_erased_by_time() -> None:
    assert Settings.from_environment(ENVIRONMENT).retention_days == 0
    days = Settings.from_environment({**ENVIRONMENT, "RETENTION_DAYS": "400"}).retention_days
    assert days == 400


@pytest.mark.parametrize(
    ("scope", "user", "status"),
    [
        ("", "someone", 403),
        ("coupon:redeem", "someone", 403),
        ("coupon:privacy", "x" * 65, 400),
        ("coupon:privacy", "two words", 400),
        ("coupon:privacy", "", 400),
    ],
)
def test_who_may_not_erase_and_what_is_no_user_is_refused_and_not_logged(
    fakes: Fakes, logged: LogLines, scope: str, user: str, status: int
) -> None:
    assert fakes
    claims = {"sub": "officer", "exp": time.time() + 60, "scope": scope}
    headers = {"Authorization": f"Bearer {sign(claims, ENVIRONMENT['AUTH_JWT_SECRET'])}"}
    response = erase_user_handler({"headers": headers, "pathParameters": {"user_id": user}}, None)
    assert response["statusCode"] == status
    [line] = logged.lines
    assert (line["message"], line["campaign_id"]) == ("erase_user_handler", None)
    assert not user or user not in logged.text


@pytest.mark.parametrize("arguments", [[], ["--user", "two words"], ["--user", "1", "--actor", ""]])
def test_the_program_refuses_what_is_no_id(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "--user" in capsys.readouterr().err
