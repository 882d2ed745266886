"""AWS's Lambda extension for secrets: plain HTTP on localhost, so that apply needs no boto3.

It caches a secret for SECRETS_MANAGER_TTL (300 s at most), so a rotation is seen that much later.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from handlers.adapters.aws.secrets import SecretVersion
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

# A secret that is not cached it reads from Secrets Manager, within the network.
TIMEOUT_S = 3.0
# Secrets Manager stores 64 KiB at most; escaped in JSON it may double.
RESPONSE_BYTES_MAX = 256 * 1024
OK = 200
NOT_FOUND = "ResourceNotFoundException"


class SecretsExtension:
    """Reads from the extension, which authenticates the caller by the function's session token."""

    def __init__(self, port: int, environment: Mapping[str, str] = os.environ) -> None:
        self._port = port
        self._environment = environment

    def read(self, secret_id: str, stage: str) -> SecretVersion | None:
        """Return a secret, None where there is none of that stage."""
        try:
            status, body = self._get(secret_id, stage)
            if status != OK:
                if NOT_FOUND.encode() in body:
                    return None
                message = f"the secrets extension answered {status} for {secret_id}"
                raise UnavailableError(message)
            found = json.loads(body)
            return SecretVersion(str(found["SecretString"]), _seconds(found.get("CreatedDate")))
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            message = f"the secrets extension gave no secret {secret_id}"
            # Without a JSON error as the cause: it quotes the secret.
            raise UnavailableError(message) from (error if isinstance(error, OSError) else None)

    def _get(self, secret_id: str, stage: str) -> tuple[int, bytes]:
        query = urlencode({"secretId": secret_id, "versionStage": stage})
        # Read each time: a restored snapshot gets new credentials.
        token = self._environment.get("AWS_SESSION_TOKEN", "")
        connection = HTTPConnection("localhost", self._port, timeout=TIMEOUT_S)
        try:
            headers = {"X-Aws-Parameters-Secrets-Token": token}
            connection.request("GET", f"/secretsmanager/get?{query}", headers=headers)
            response = connection.getresponse()
            return response.status, response.read(RESPONSE_BYTES_MAX)
        finally:
            connection.close()


def _seconds(created: object) -> float | None:
    """Return a time as seconds since 1970: AWS documents the field, not the form of its time."""
    if isinstance(created, (int, float)):
        return float(created)
    try:
        found = datetime.fromisoformat(str(created))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
