"""Tokens for MSK's IAM authentication (SASL OAUTHBEARER), signed by AWS's own library."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from aws_msk_iam_sasl_signer.MSKAuthTokenProvider import generate_auth_token
from kafka.net.sasl.oauth import AbstractTokenProvider

if TYPE_CHECKING:
    from collections.abc import Callable

# A token is valid for 15 minutes. One that expires in transit is refused, and a broker's clock may
# be a little ahead of ours.
RENEW_BEFORE_MS = 60_000


class MskTokens(AbstractTokenProvider):  # type: ignore[misc] # the library is untyped
    """Called by kafka-python at each connection; signs a new token when the old one expires soon.

    Signing needs no network: it uses the function's own credentials.
    """

    def __init__(
        self,
        region: str,
        sign: Callable[[str], tuple[str, int]] = generate_auth_token,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._region = region
        self._sign = sign
        self._clock = clock
        self._lock = Lock()
        self._token, self._ends_at_ms = "", 0

    def token(self) -> str:
        """Return a token that is valid for another minute at least."""
        with self._lock:
            if self._clock() * 1000 > self._ends_at_ms - RENEW_BEFORE_MS:
                self._token, self._ends_at_ms = self._sign(self._region)
            return self._token
