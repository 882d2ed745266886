"""The settings of webhooks, and what a missing one means."""

from __future__ import annotations

import pytest

from handlers import webhook_clients, wiring
from handlers.config import ConfigurationError, Settings
from tests.unit.conftest import ENVIRONMENT

UNSET = ENVIRONMENT | {"WEBHOOK_SECRET": ""}
SECRET = "another-secret-of-a-test-with-32-bytes"


def test_webhooks_need_one_of_two_settings_and_not_both() -> None:
    values = {"WEBHOOK_SECRET": SECRET, "WEBHOOK_SECRET_ID": "prod/webhook"}
    for name, value in values.items():
        settings = Settings.from_environment(UNSET | {name: value})
        assert (settings.has_webhook_secret, getattr(settings, name.lower())) == (True, value)
        assert SECRET not in repr(settings)
    with pytest.raises(ConfigurationError, match="set at most one of WEBHOOK_SECRET, WEBHOOK"):
        Settings.from_environment(UNSET | values)


@pytest.mark.parametrize(
    ("name", "value"), [("WEBHOOK_SECRET", "x" * 31), ("WEBHOOK_INTERNAL", "perhaps")]
)
def test_a_malformed_setting_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} ") as caught:
        Settings.from_environment(ENVIRONMENT | {name: value})
    assert "xxx" not in str(caught.value)


def test_without_settings_there_are_no_webhooks_and_no_way_inside() -> None:
    settings = Settings.from_environment(UNSET | {"WEBHOOK_INTERNAL": ""})
    assert (settings.has_webhook_secret, settings.webhook_internal) == (False, False)


def test_webhooks_without_a_secret_are_a_wrong_setup_that_is_named() -> None:
    wiring.reset()
    with (
        wiring.override(wiring.settings, Settings.from_environment(UNSET)),
        pytest.raises(ConfigurationError, match="set WEBHOOK_SECRET or WEBHOOK_SECRET_ID"),
    ):
        webhook_clients.webhook_secrets()
    wiring.reset()
