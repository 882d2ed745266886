"""An issuer's public keys (JWKS, RFC 7517): kept, read anew when due, and never waited for twice.

A token names its key, so a stranger can name keys that nobody has: that costs the issuer one
question in REFRESH_EVERY_S, and us no memory. While the issuer gives no answer its old keys go on.
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

# A withdrawn key is refused after it at the latest, while the issuer answers.
LIFESPAN_S = 300
# … and after this long in any case.
STALE_MAX_S = 24 * 3600
REFRESH_EVERY_S = 30
# Without any key nobody can be let in, so we ask more often.
FIRST_EVERY_S = 1
TIMEOUT_S = 3.0
# Some hundred keys; the issuers that we know have two to five.
ANSWER_BYTES_MAX = 256 * 1024
OK = 200
NO_KEYS = "the issuer's keys cannot be read right now"

Keys = dict[str, jwt.PyJWK]


class JwksCache:
    """The keys behind one URL, for all threads of a process."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = Lock()  # one question to the issuer at a time
        self._keys: Keys = {}
        self._read_at = self._asked_at = float("-inf")

    def key(self, kid: str) -> jwt.PyJWK | None:
        """Return the key of that id, None for one that the issuer does not have.

        Raises UnavailableError when the issuer's keys are not known.
        """
        # Who has keys goes on with them while another thread asks; who has none waits.
        if not self._is_known(kid) and self._lock.acquire(blocking=not self._keys):
            try:
                self._refresh(kid)
            finally:
                self._lock.release()
        if not self._keys or self._clock() - self._read_at >= STALE_MAX_S:
            raise UnavailableError(NO_KEYS)
        return self._keys.get(kid)

    def kept(self, kid: str) -> jwt.PyJWK | None:
        """Return the key of that id where no issuer need be asked about it."""
        return self._keys.get(kid) if self._is_known(kid) else None

    def _is_known(self, kid: str) -> bool:
        return kid in self._keys and self._clock() - self._read_at < LIFESPAN_S

    def _refresh(self, kid: str) -> None:
        now = self._clock()
        if self._is_known(kid):
            return  # another thread was quicker
        if now - self._asked_at < (REFRESH_EVERY_S if self._keys else FIRST_EVERY_S):
            return
        self._asked_at = now
        try:
            self._keys, self._read_at = _signing_keys(_get(self._url)), now
        except (OSError, HTTPException, ValueError, RecursionError, jwt.PyJWTError):
            log.exception("the issuer gave no keys", {"kept": len(self._keys)})


def _signing_keys(answer: bytes) -> Keys:
    found = json.loads(answer)
    if not isinstance(found, dict):
        raise ValueError  # noqa: TRY004 - one kind of error for every bad answer
    keys = {
        key.key_id: key
        for key in jwt.PyJWKSet.from_dict(found).keys
        if key.key_id and key.public_key_use in {"sig", None}
    }
    if not keys:
        raise ValueError
    return keys


def _get(url: str) -> bytes:
    """Return the answer's body; raise OSError or HTTPException. A redirect is not followed."""
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
    """Read to the end, but no longer and no more than allowed."""
    body = b""
    while len(body) <= ANSWER_BYTES_MAX:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        socket.settimeout(left_s)
        part = response.read1(ANSWER_BYTES_MAX)
        if not part:
            return body
        body += part
    message = f"more than {ANSWER_BYTES_MAX} bytes"
    raise HTTPException(message)
