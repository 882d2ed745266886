"""The secrets that the settings name: where each is read, and how it is checked.

AWS's libraries are imported only when a secret is read through them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from handlers.adapters.aws.secrets import Secret, database_address
from handlers.env_parser import checked_secret
from handlers.production import FetchedSecrets

if TYPE_CHECKING:
    from handlers.adapters.aws.secrets import SecretSource, SecretVersion
    from handlers.adapters.aws.secrets_manager import SecretsManager
    from handlers.config import Settings
    from handlers.database_address import DatabaseAddress


class SecretStore:
    """One per process, so that each secret is read once for all its users."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._check = FetchedSecrets(settings).check
        self._manager = _SecretsManager()
        # Never through the extension: a password that was just rotated must be seen at once.
        self._database = self._secret(
            "DATABASE_SECRET_ID", settings.database_secret_id, self._manager
        )

    def prepare(self) -> None:
        """Import boto3 and build its client, where a secret is read through it; read none."""
        if self._settings.database_secret_id:
            self._manager.prepare()

    def signing(self, variable: str, secret_id: str) -> Secret | None:
        """Return an HMAC key, None where `secret_id` is empty."""
        if not secret_id:
            return None
        return Secret(
            secret_id,
            self._quick,
            lambda text: self._check(variable, checked_secret(variable, text)),
        )

    def redis_auth(self) -> Secret | None:
        """Return Redis's password, None where it is in REDIS_URL."""
        secret_id = self._settings.redis_auth_secret_id
        return self._secret("REDIS_AUTH_SECRET_ID", secret_id, self._quick) if secret_id else None

    def database_address(self) -> DatabaseAddress:
        """Return where MySQL is, from DATABASE_URL or from the secret DATABASE_SECRET_ID."""
        return self._settings.database_address or self._address_in(
            self._database, "DATABASE_SECRET_ID"
        )

    def migration_address(self) -> DatabaseAddress:
        """Return the same for the user that migrates, which is the service's where none is set."""
        settings = self._settings
        secret_id = settings.migration_database_secret_id
        if secret_id and secret_id != settings.database_secret_id:
            name = "MIGRATION_DATABASE_SECRET_ID"
            return self._address_in(self._secret(name, secret_id, self._manager), name)
        return settings.migration_database_address or self.database_address()

    def _address_in(self, secret: Secret, variable: str) -> DatabaseAddress:
        settings = self._settings
        return database_address(
            secret,
            settings.database_host,
            settings.database_port,
            settings.database_name,
            settings.database_tls,
            variable,
        )

    def renew_database(self) -> bool:
        """Look for a new password after the current one was refused; return if there is one."""
        return bool(self._settings.database_secret_id) and self._database.renew()

    def _secret(self, variable: str, secret_id: str, source: SecretSource) -> Secret:
        return Secret(secret_id, source, lambda text: self._check(variable, text))

    @cached_property
    def _quick(self) -> SecretSource:
        """Where apply reads: AWS's extension where there is one, since importing boto3 is slow."""
        from handlers.adapters.aws.secrets_extension import SecretsExtension  # noqa: PLC0415 - if used

        port = self._settings.secrets_extension_port
        return SecretsExtension(port) if port else self._manager


class _SecretsManager:
    """Imports boto3 at the first read."""

    def prepare(self) -> None:
        self._manager.prepare()

    def read(self, secret_id: str, stage: str) -> SecretVersion | None:
        return self._manager.read(secret_id, stage)

    @cached_property
    def _manager(self) -> SecretsManager:
        from handlers.adapters.aws.secrets_manager import SecretsManager  # noqa: PLC0415 - boto3

        return SecretsManager()
