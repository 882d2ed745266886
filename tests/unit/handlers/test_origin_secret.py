"""handlers/origin_secret.py: ORIGIN_SECRET, which CloudFront sends to API Gateway."""

from __future__ import annotations

import pytest

from handlers.config import Settings
from handlers.env_parser import ConfigurationError
from handlers.origin_secret import origin_secrets
from tests.unit.conftest import ENVIRONMENT

NEW, OLD = "n" * 32, "o" * 32


def test_without_cloudfront_there_is_no_secret() -> None:
    assert origin_secrets({}) == Settings.from_environment(ENVIRONMENT).origin_secrets == ()


@pytest.mark.parametrize("text", [f"{NEW},{OLD}", f" {NEW}, {OLD} ", f"{NEW},{NEW},{OLD}"])
def test_there_are_two_while_one_replaces_the_other(text: str) -> None:
    settings = Settings.from_environment({**ENVIRONMENT, "ORIGIN_SECRET": text})
    assert settings.origin_secrets == origin_secrets({"ORIGIN_SECRET": text}) == (NEW, OLD)
    assert NEW not in repr(settings)
    assert OLD not in repr(settings)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("s3cr3t", "ORIGIN_SECRET is shorter than 32 bytes"),
        (f"{NEW},s3cr3t", "ORIGIN_SECRET is shorter than 32 bytes"),
        (f"{NEW},{OLD},{'s3cr3t' * 6}", "ORIGIN_SECRET has 3 secrets: two at most"),
    ],
)
def test_a_malformed_one_stops_the_start_and_is_not_shown(text: str, wrong: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({**ENVIRONMENT, "ORIGIN_SECRET": text})
    assert str(caught.value).startswith(wrong)
    for secret in text.split(","):
        assert secret not in str(caught.value)
