"""An issuer's public keys (JWKS, RFC 7517): cached, and refreshed when due by one thread at a time.

A token names its key, so an attacker can name keys that do not exist: that costs the issuer one
request per REFRESH_EVERY_S, and us no memory. While the issuer is unreachable, old keys are used.
"""

from __future__ import annotations

import json
import ssl
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt

from handlers import log
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

# A withdrawn key is rejected after this time at the latest, while the issuer is reachable.
LIFESPAN_S = 300
# … and after this time in any case.
STALE_MAX_S = 24 * 3600
REFRESH_EVERY_S = 30
# Without any key no user can be authenticated, so the issuer is asked more often.
FIRST_EVERY_S = 1
TIMEOUT_S = 3.0
# Some hundred keys; known issuers have two to five.
RESPONSE_BYTES_MAX = 256 * 1024
OK = 200
NO_KEYS = "the issuer's keys cannot be read right now"

Keys = dict[str, jwt.PyJWK]


class JwksCache:
    """The keys behind one URL, for all threads of a process."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = Lock()  # one request to the issuer at a time
        self._keys: Keys = {}
        self._read_at = self._asked_at = float("-inf")

    def key(self, kid: str) -> jwt.PyJWK | None:
        """Return the key with that id, None for one that the issuer does not have.

        Raises UnavailableError when the issuer's keys are not known.
        """
        # With old keys a thread uses them while another one refreshes; without keys it waits.
        if not self._is_known(kid) and self._lock.acquire(blocking=not self._keys):
            try:
                self._refresh(kid)
            finally:
                self._lock.release()
        if not self._keys or self._clock() - self._read_at >= STALE_MAX_S:
            raise UnavailableError(NO_KEYS)
        return self._keys.get(kid)

    def kept(self, kid: str) -> jwt.PyJWK | None:
        """Return the key with that id if it is cached and fresh; without I/O."""
        return self._keys.get(kid) if self._is_known(kid) else None

    def _is_known(self, kid: str) -> bool:
        return kid in self._keys and self._clock() - self._read_at < LIFESPAN_S

    def _refresh(self, kid: str) -> None:
        now = self._clock()
        if self._is_known(kid):
            return  # another thread has refreshed it
        if now - self._asked_at < (REFRESH_EVERY_S if self._keys else FIRST_EVERY_S):
            return
        self._asked_at = now
        try:
            self._keys, self._read_at = _signing_keys(_get(self._url)), now
        except (OSError, HTTPException, ValueError, RecursionError, jwt.PyJWTError):
            log.exception("the issuer gave no keys", {"kept": len(self._keys)})


def _signing_keys(body: bytes) -> Keys:
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError  # noqa: TRY004 - one type of error for every bad response
    keys = {
        key.key_id: key
        for key in jwt.PyJWKSet.from_dict(found).keys
        if key.key_id and key.public_key_use in {"sig", None}
    }
    if not keys:
        raise ValueError
    return keys


def _get(url: str) -> bytes:
    """Return the response body; raise OSError or HTTPException. Redirects are not followed."""
    deadline = time.monotonic() + TIMEOUT_S
    connection = _connection(url)
    try:
        parts = urlsplit(url)
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request("GET", target, headers={"Accept": "application/json"})
        socket = connection.sock
        response = connection.getresponse()
        if response.status != OK:
            message = f"status {response.status}"
            raise HTTPException(message)
        return _body(response, socket, deadline)
    finally:
        connection.close()


def _connection(url: str) -> HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=context)
    return HTTPConnection(host, parts.port, timeout=TIMEOUT_S)


def _body(response: Any, socket: Any, deadline: float) -> bytes:
    """Read to the end, within the deadline and the size limit."""
    body = b""
    while len(body) <= RESPONSE_BYTES_MAX:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        socket.settimeout(left_s)
        part = response.read1(RESPONSE_BYTES_MAX)
        if not part:
            return body
        body += part
    message = f"more than {RESPONSE_BYTES_MAX} bytes"
    raise HTTPException(message)
