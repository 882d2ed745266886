"""An issuer's public keys (JWKS): cached, and read again beside the requests, by one thread.

A request with a known key does not wait: when the keys are due, it begins to read them again and is
served with those that are known. A token that names an unknown key may be of a key that the
issuer has just begun to use, so its request begins a question, too, and waits for WAIT_S. But a
stranger can name any keys: that costs the issuer one question in UNKNOWN_EVERY_S, and us a bounded
memory. While the issuer is unreachable, the keys that are known stay in use.

A Lambda function is frozen between requests, and the thread with it. So a request that finds the
keys older than LIFESPAN_S waits for the end of the question that it begins: it alone, EXCHANGE_S at
most. Otherwise a function that is rarely called would never finish one.
"""

from __future__ import annotations

import time
from http.client import HTTPException
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, NamedTuple

from handlers import log
from handlers.domain.errors import UnavailableError
from handlers.edge.auth import issuer_exchange
from handlers.edge.auth.jwk_set import KEY_ID_LENGTH_MAX, Keys, signing_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    import jwt

# From this age on the keys are read again …
REFRESH_AFTER_S = 200
# … from this one on, a request waits for that: a withdrawn key is refused after this time, while
# the issuer is reachable …
LIFESPAN_S = 300
# … and after this time in any case.
STALE_S_MAX = 24 * 3600
REFRESH_EVERY_S = 30
# A key that is used as soon as it is published is known after this time, also while strangers
# name keys that do not exist.
UNKNOWN_EVERY_S = 10
# Without any key no user can be authenticated, so the issuer is asked more often.
FIRST_EVERY_S = 1
# The whole exchange with the issuer; and how long a caller waits who has no key at all.
EXCHANGE_S = 3.0
# How long a caller with an unknown key waits, counted from the question's begin. Issuers answer
# within a tenth of a second or two; the gateway handles applications in batches, so others may wait
# with this caller.
WAIT_S = 0.5
# Key ids that tokens have named and the issuer has not, of KEY_ID_LENGTH_MAX characters at most.
UNKNOWN_MAX = 1000
NO_KEYS = "the issuer's keys cannot be read right now"
NEW_KEY = "the issuer is asked about this token's key; send the same request again"

NEVER = float("-inf")


class _Known(NamedTuple):
    """What the issuer has said last, and when it was asked for that.

    absent: key ids that it has withdrawn, or that tokens had named before it was asked and it had
    not.
    """

    keys: Keys
    asked_at: float
    absent: frozenset[str]


class _Question(NamedTuple):
    """A question to the issuer; `kids` are the unknown keys that tokens have named before."""

    asked_at: float
    kids: frozenset[str]
    is_over: Event


class JwksCache:
    """The keys behind one URL, for all threads of a process."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = Lock()
        self._known = _Known({}, NEVER, frozenset())
        self._question = _Question(NEVER, frozenset(), Event())
        self._unknown: set[str] = set()  # named since the last question

    def key(self, kid: str) -> jwt.PyJWK | None:
        """Return the key with that id, None for one that the issuer does not have.

        Raises UnavailableError when that is not known.
        """
        now = self._clock()
        known = self._known
        age_s = now - known.asked_at
        key = known.keys.get(kid) if age_s < STALE_S_MAX else None
        if key is None:
            return self._unknown_key(kid, now) if len(kid) <= KEY_ID_LENGTH_MAX else None
        if age_s >= REFRESH_AFTER_S and self._ask(REFRESH_EVERY_S, now) and age_s >= LIFESPAN_S:
            self._wait(EXCHANGE_S)
            return self._known.keys.get(kid)
        return key

    def knows(self, kid: str) -> bool:
        """Return whether the issuer has said that it has a key with that id; without I/O."""
        return kid in self._known.keys

    def kept(self, kid: str) -> jwt.PyJWK | None:
        """Return the key with that id if it is cached, and no question is due; without I/O."""
        now, known = self._clock(), self._known
        age_s = now - known.asked_at
        if age_s >= REFRESH_AFTER_S and (
            age_s >= STALE_S_MAX or self._is_due(REFRESH_EVERY_S, now)
        ):
            return None
        return known.keys.get(kid)

    def begin(self) -> None:
        """Begin to read the keys unless they are known; return at once."""
        if not self._known.keys:
            self._ask(FIRST_EVERY_S, self._clock())

    def _unknown_key(self, kid: str, now: float) -> jwt.PyJWK | None:
        has_keys = now - self._known.asked_at < STALE_S_MAX
        with self._lock:
            if len(self._unknown) < UNKNOWN_MAX:
                self._unknown.add(kid)
        self._ask(UNKNOWN_EVERY_S if has_keys else FIRST_EVERY_S, now)
        self._wait(WAIT_S if has_keys else EXCHANGE_S)
        known = self._known
        if self._clock() - known.asked_at >= STALE_S_MAX:
            raise UnavailableError(NO_KEYS)
        key = known.keys.get(kid)
        if key is None and known.asked_at < now and kid not in known.absent:
            # The issuer was not asked since this token came, so its key may be a new one. A 401
            # would make the client throw a good token away.
            raise UnavailableError(NEW_KEY)
        return key

    def _is_due(self, every_s: float, now: float) -> bool:
        question = self._question
        # One that has not ended after its time is given up: the process may have been frozen.
        pause_s = every_s if question.is_over.is_set() else max(every_s, EXCHANGE_S)
        return now - question.asked_at >= pause_s

    def _ask(self, every_s: float, now: float) -> bool:
        """Begin a question if one is due; return whether."""
        if not self._is_due(every_s, now):
            return False
        with self._lock:
            if not self._is_due(every_s, now):
                return False  # another thread has begun one
            question = self._question = _Question(now, frozenset(self._unknown), Event())
            self._unknown = set()
        thread = Thread(target=self._read, args=(question,), name="issuer-keys", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread can be had
            log.exception("the issuer could not be asked", {})
            question.is_over.set()
        return True

    def _wait(self, longest_s: float) -> None:
        """Wait for the question under way, until `longest_s` after its begin."""
        question = self._question
        question.is_over.wait(max(0.0, question.asked_at + longest_s - self._clock()))

    def _read(self, question: _Question) -> None:
        try:
            keys = signing_keys(issuer_exchange.get(self._url, EXCHANGE_S))
            self._keep(keys, question)
        except (OSError, HTTPException, ValueError, RecursionError):
            log.exception("the issuer gave no keys", {"kept": len(self._known.keys)})
        finally:
            question.is_over.set()

    def _keep(self, keys: Keys, question: _Question) -> None:
        with self._lock:
            if question.asked_at < self._known.asked_at:
                return  # it was frozen on its way, and a later one has been answered
            newly_absent = (question.kids | self._known.keys.keys()) - keys.keys()
            absent = (self._known.absent | newly_absent) - keys.keys()
            if len(absent) > 2 * UNKNOWN_MAX:
                absent = newly_absent
            self._known = _Known(keys, question.asked_at, absent)
