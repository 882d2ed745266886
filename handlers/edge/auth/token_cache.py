"""Tokens that were verified already: whoever presses again need not be verified again.

Kept is what does not change: the signature, under the key that it was made with, and the claims.
What does change, the time and the keys, is compared by whoever asks, at each call. Only tokens that
were found good are kept, so a stranger can fill nothing here; and never a part of one, so that
nothing but the very same token is ever found.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

# At most 20 MB of tokens, with the usual ones of 200 to 800 characters two to eight. Beyond that
# many, all of them are verified once more.
TOKENS_MAX = 10_000
TOKEN_LENGTH_MAX = 2048  # longer ones are verified every time

Owner = TypeVar("Owner")
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class CachedToken(Generic[Owner, Key]):
    """What a token said, and the key that vouched for it."""

    user: Owner
    expires_at_s: int
    key: Key


class TokenCache(Generic[Owner, Key]):
    """A bounded memory, shared by all threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, CachedToken[Owner, Key]] = {}

    def get(self, token: str) -> CachedToken[Owner, Key] | None:
        """Return what is known of a token; its time may be over, and its key out of use."""
        return self._kept.get(token)

    def keep(self, token: str, verified: CachedToken[Owner, Key]) -> None:
        """Remember a token that was found good."""
        if len(token) > TOKEN_LENGTH_MAX:
            return
        with self._lock:
            if len(self._kept) >= TOKENS_MAX:
                self._kept = {}
            self._kept[token] = verified
