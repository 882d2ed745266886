"""The running containers of `make up`: their addresses from the host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from local.harness.processes import ROOT, HarnessError
from local.servers.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# As local/docker-compose.yml says: PENDING_RESEND_AFTER_S and the scheduler's interval.
RELAY_WITHIN_S = 10 + 5
ENV, ENV_EXAMPLE = ROOT / "local" / ".env", ROOT / "local" / ".env.example"


def api_address(values: Mapping[str, str]) -> tuple[str, int]:
    """Return host and port of the gateway's container."""
    return HOST, int(values["API_PORT"])


def settings_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that reach the containers through their published ports."""
    mysql = f"{HOST}:{values['MYSQL_PORT']}/seonchak"
    return {
        "STAGE": "local",
        "REDIS_URL": f"redis://{HOST}:{values['REDIS_PORT']}/0",
        # Kafka redirects its clients to the address that it advertises, which is this one.
        "KAFKA_BOOTSTRAP_SERVERS": f"localhost:{values['KAFKA_PORT']}",
        "DATABASE_URL": f"mysql://seonchak:{values['MYSQL_PASSWORD']}@{mysql}",
        "MIGRATION_DATABASE_URL": f"mysql://root:{values['MYSQL_ROOT_PASSWORD']}@{mysql}",
        "AUTH_JWT_SECRET": values["AUTH_JWT_SECRET"],
        "COUPON_CODE_SECRET": values["COUPON_CODE_SECRET"],
        "CHALLENGE_SECRET": values["CHALLENGE_SECRET"],
        "WEBHOOK_SECRET": values["WEBHOOK_SECRET"],
        "WEBHOOK_INTERNAL": "on",
    }


def read_values(
    example: Path = ENV_EXAMPLE, own: Path = ENV, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return Compose's values: from the environment, else local/.env, else .env.example."""
    try:
        values = _parsed(example.read_text(encoding="utf-8"))
        if own.exists():
            values |= _parsed(own.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{error.filename} cannot be read: {error.strerror}"
        raise HarnessError(message) from error
    return {name: environment.get(name, value) for name, value in values.items()}


def _parsed(text: str) -> dict[str, str]:
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
