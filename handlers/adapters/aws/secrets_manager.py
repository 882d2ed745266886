"""AWS Secrets Manager through boto3: for functions that can wait half a second for its import."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from handlers.adapters.aws.secrets import SecretVersion
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from datetime import datetime

# A healthy endpoint responds in some ten milliseconds; an apply must not wait for a failing one.
TIMEOUT_S = 2
ATTEMPTS_MAX = 2
NOT_FOUND = "ResourceNotFoundException"


class SecretsManager:
    """Reads secrets with the identity of the function."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._client: Any = None

    def read(self, secret_id: str, stage: str) -> SecretVersion | None:
        """Return a secret, None where there is none of that stage."""
        try:
            response = self._connected().get_secret_value(SecretId=secret_id, VersionStage=stage)
        except ClientError as error:
            if error.response["Error"]["Code"] == NOT_FOUND:
                return None
            raise _unavailable(secret_id) from error
        except (BotoCoreError, ValueError) as error:  # ValueError: a malformed region
            raise _unavailable(secret_id) from error
        text = str(response.get("SecretString", ""))  # "" for a binary secret, which is not used
        created_at: datetime = response["CreatedDate"]
        return SecretVersion(text, created_at.timestamp())

    def prepare(self) -> None:
        """Build the client, which takes longer than a read; it connects at the first read."""
        self._connected()

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                config = Config(
                    connect_timeout=TIMEOUT_S,
                    read_timeout=TIMEOUT_S,
                    retries={"total_max_attempts": ATTEMPTS_MAX},
                )
                self._client = boto3.client("secretsmanager", config=config)
            return self._client


def _unavailable(secret_id: str) -> UnavailableError:
    return UnavailableError(f"Secrets Manager gave no secret {secret_id}")
