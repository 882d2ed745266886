"""The bucket in which Lambda stores the batches that it gave up."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from handlers.domain.errors import UnavailableError

# An invocation has 6 MB at most; as a string within JSON each of its quotes takes two bytes more.
OBJECT_BYTES_MAX = 32 * 1024 * 1024
TIMEOUT_S = 10
ATTEMPTS_MAX = 3


class TooLargeError(ValueError):
    """The object is larger than any that Lambda would store there."""


class FailedBatches:
    """Reads objects of S3."""

    def read(self, bucket: str, key: str) -> bytes:
        """Return an object; raise TooLargeError, or UnavailableError when S3 does not return it."""
        try:
            response = self._client.get_object(Bucket=bucket, Key=key)
            with closing(response["Body"]) as body:
                if response["ContentLength"] > OBJECT_BYTES_MAX:
                    raise TooLargeError
                return bytes(body.read())
        except (BotoCoreError, ClientError, HTTPClientError) as error:
            message = f"S3 gave no object {key} of {bucket}"
            raise UnavailableError(message) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @cached_property
    def _client(self) -> Any:
        config = Config(
            connect_timeout=TIMEOUT_S,
            read_timeout=TIMEOUT_S,
            retries={"total_max_attempts": ATTEMPTS_MAX},
        )
        return boto3.client("s3", config=config)
