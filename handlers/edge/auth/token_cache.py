"""A cache of verified tokens: a repeated request does not verify its token again.

Cached is what does not change: that the signature matches a key, and the claims. The caller checks
at each call what can change: the time and the keys. Only valid tokens are cached, so an attacker
cannot fill the cache. The whole token is the cache key, so only the identical token is found.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

# At most 20 MB of tokens, 2 to 8 MB with the usual 200 to 800 characters, and 5 MB of users. When
# the cache is full, it is cleared and all tokens are verified once more.
TOKENS_MAX = 10_000
TOKEN_LENGTH_MAX = 2048  # longer ones are verified every time
# No process remembers an erased user for much longer: the next new token clears the cache.
KEPT_S = 3600.0

Owner = TypeVar("Owner")
Key = TypeVar("Key")


class CachedToken(NamedTuple, Generic[Owner, Key]):
    """The user and expiry of a token, and the key that verified it."""

    user: Owner
    expires_at_s: int
    key: Key


class TokenCache(Generic[Owner, Key]):
    """A bounded cache, shared by all threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._tokens: dict[str, CachedToken[Owner, Key]] = {}
        self._forgets_at = clock() + KEPT_S

    def get(self, token: str) -> CachedToken[Owner, Key] | None:
        """Return a cached token; it may have expired, and its key may be out of use."""
        return self._tokens.get(token)

    def keep(self, token: str, verified: CachedToken[Owner, Key]) -> None:
        """Cache a valid token."""
        if len(token) > TOKEN_LENGTH_MAX:
            return
        with self._lock:
            now = self._clock()
            if len(self._tokens) >= TOKENS_MAX or now >= self._forgets_at:
                self._tokens, self._forgets_at = {}, now + KEPT_S
            self._tokens[token] = verified
