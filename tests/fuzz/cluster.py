"""The state of a fuzzed service: campaigns in every state, winners, failed events, secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.consume import consume_handler
from handlers.domain.reconciliation import reconciler as comparison
from tests.support.service import apply, create_campaign, kafka_event, message, rows

if TYPE_CHECKING:
    import pytest

    from handlers.config import Settings

# The limit on applications per user would return 429 before the rest of the service is reached.
EVERYTHING = {"APPLY_RATE_PER_S": "1000000"}


def reset_wiring(patch: pytest.MonkeyPatch) -> None:
    """Let the handlers of this process read the environment again, with no recheck delay."""
    for name, value in EVERYTHING.items():
        patch.setenv(name, value)
    patch.setattr(comparison, "RECHECK_DELAY_S", 0)
    wiring.reset()


def fill_servers() -> None:
    """Fill empty servers with the campaigns that the strategies name."""
    create_campaign("welcome", 10_000)
    create_campaign("sold-out", 1)
    create_campaign("scheduled", opens_in_s=3600)
    create_campaign("closed", opens_in_s=-3600, open_for_s=60)
    for campaign, user in (("sold-out", "winner"), ("welcome", "42")):
        assert apply(campaign, user).status == 202
    records = [message("sold-out", "winner", 1), message("welcome", "42", 1)]
    poison = [b"noise", None, b"\xff", message("missing", "lost", 1), message("sold-out", "x", 2)]
    consume_handler(kafka_event([*records, *poison]), None)


def secrets_of(settings: Settings) -> set[str]:
    """Return what no response and no log line may contain: secrets, and every coupon's code.

    Owners and administrators receive codes, and the fuzzer is both; so
    the codes count for logs alone; `codes_of` returns them.
    """
    address = settings.database_address
    assert address
    found = {settings.auth_jwt_secret, settings.coupon_code_secret, address.password}
    found |= {settings.challenge_secret, settings.webhook_secret}
    found |= {os.environ["DATABASE_URL"], settings.redis_url}
    if owner := settings.migration_database_address:
        found |= {owner.password, os.environ["MIGRATION_DATABASE_URL"]}
    return {secret for secret in found if secret}


def codes_of(settings: Settings) -> set[str]:
    """Return the code of every existing coupon."""
    return {str(code) for (code,) in rows(settings, "SELECT code FROM coupon")}
