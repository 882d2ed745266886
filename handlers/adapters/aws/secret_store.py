"""The secrets that the settings name: where each is read, and what it must look like.

AWS's libraries are imported when a secret is read through them, and not before.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from handlers.adapters.aws.secrets import Secret, database_address
from handlers.env_parser import checked_secret

if TYPE_CHECKING:
    from handlers.adapters.aws.secrets import Source
    from handlers.config import DatabaseAddress, Settings


class SecretStore:
    """One per process, so that each secret is read once for everybody in it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Never through the extension: a password that was just rotated must be seen at once.
        self._database = Secret(settings.database_secret_id, _SecretsManager())

    def signing(self, variable: str, secret_id: str) -> Secret | None:
        """Return a key of HMACs, None where `variable` names none."""
        if not secret_id:
            return None
        stage = self._settings.stage
        return Secret(secret_id, self._quick, lambda text: checked_secret(variable, text, stage))

    def redis_auth(self) -> Secret | None:
        """Return Redis's password, None where it stands in REDIS_URL."""
        secret_id = self._settings.redis_auth_secret_id
        return Secret(secret_id, self._quick) if secret_id else None

    def database_address(self) -> DatabaseAddress:
        """Return where MySQL is, from DATABASE_URL or from the secret DATABASE_SECRET_ID."""
        known = self._settings
        return known.database_address or database_address(
            self._database,
            known.database_host,
            known.database_port,
            known.database_name,
            known.database_tls,
        )

    def renew_database(self) -> bool:
        """Look for a new password after the known one was refused; tell whether there is one."""
        return bool(self._settings.database_secret_id) and self._database.renew()

    @cached_property
    def _quick(self) -> Source:
        """Where apply reads: AWS's extension when there is one, since boto3 takes its time."""
        from handlers.adapters.aws.secrets_extension import SecretsExtension  # noqa: PLC0415 - if used

        port = self._settings.secrets_extension_port
        return SecretsExtension(port) if port else _SecretsManager()


class _SecretsManager:
    """Imports boto3 with the first question."""

    def read(self, secret_id: str, stage: str) -> str | None:
        return self._manager.read(secret_id, stage)

    @cached_property
    def _manager(self) -> Source:
        from handlers.adapters.aws.secrets_manager import SecretsManager  # noqa: PLC0415 - boto3

        return SecretsManager()
