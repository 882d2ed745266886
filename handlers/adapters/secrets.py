"""Secrets from AWS Secrets Manager."""

from __future__ import annotations

import json

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from handlers.config import MYSQL_PORT_DEFAULT, ConfigurationError, DatabaseAddress
from handlers.domain.errors import UnavailableError


def database_address(secret_id: str) -> DatabaseAddress:
    """Read the address from a secret in the JSON form that RDS keeps.

    That form has host, port, username, password and dbname. Raises UnavailableError when AWS
    gives no answer, ConfigurationError when the secret has another form.
    """
    try:
        client = boto3.client("secretsmanager")
        answer = client.get_secret_value(SecretId=secret_id)
    except (BotoCoreError, ClientError) as error:
        message = f"Secrets Manager gave no secret {secret_id}"
        raise UnavailableError(message) from error
    try:
        secret = json.loads(answer["SecretString"])
        return DatabaseAddress(
            host=_text(secret["host"]),
            port=int(secret.get("port", MYSQL_PORT_DEFAULT)),
            user=_text(secret["username"]),
            password=_text(secret["password"]),
            database=_text(secret["dbname"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        message = f"DATABASE_SECRET_ID: {secret_id} lacks host, username, password or dbname"
        # Without the cause: a JSON error quotes the secret.
        raise ConfigurationError(message) from None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError
