"""Secrets from AWS Secrets Manager: cached for a while, read again when a server refuses them."""

from __future__ import annotations

import json
import time
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol

from handlers import log
from handlers.config import ConfigurationError
from handlers.database_address import MYSQL_PORT_DEFAULT, PREFERRED, DatabaseAddress, DatabaseTls
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
# A rotation is noticed within this time, even where no server refuses the old value.
MAX_AGE_S = 300
# While Secrets Manager is unreachable the old value is used, but only for this long.
STALE_S_MAX = 3600
# A client that sends tokens with wrong signatures must not cause a read for each of them.
RENEW_EVERY_S = 10


class SecretVersion(NamedTuple):
    """A secret as it was read; created_at_s: seconds since 1970, None if the source cannot say."""

    text: str
    created_at_s: float | None = None


class SecretSource(Protocol):
    """Where secrets are read from."""

    def read(self, secret_id: str, stage: str) -> SecretVersion | None:
        """Return a secret, None where that stage does not exist; raise UnavailableError."""


class Secret:
    """One secret, for all threads of a process; `check` raises for an unsuitable text.

    While one thread reads it again, which a stranger's token can cause and which takes seconds when
    AWS is slow, the others go on with the text that they know. Only for the first text they wait.
    """

    def __init__(
        self,
        secret_id: str,
        source: SecretSource,
        check: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.id = secret_id
        self._source = source
        self._check = check
        self._clock = clock
        self._now = now
        self._rotated_at_s = 0.0
        self._rotations = 0
        self._lock = Lock()  # never held while AWS is asked
        self._first = Lock()
        self._texts: dict[str, _ReadText] = {}  # by stage
        self._asked_at: dict[str, float] = {}

    def current(self) -> str:
        """Return the text; raise UnavailableError when it cannot be read."""
        text = self._text(CURRENT)
        if text is None:
            message = f"Secrets Manager has no secret {self.id}"
            raise UnavailableError(message)
        return text

    def previous(self, good_for_s: float) -> str | None:
        """Return the text before the last rotation, if that was less than `good_for_s` ago.

        0: there is none. A rotation is when the current text was stored, or when this process saw
        it change, if that was later. Raises UnavailableError as `current` does.
        """
        if good_for_s <= 0:
            return None  # whatever the clocks say
        self.current()  # a rotation may be due to be noticed
        if self._now() - self._rotated_at_s >= good_for_s:
            return None
        return self._text(PREVIOUS)

    def renew(self) -> bool:
        """Read again after the current text was refused; return whether it has changed.

        At most every RENEW_EVERY_S, and never raises: the caller has an error already.
        """
        before = self._texts.get(CURRENT)
        if not self._begins(CURRENT):
            return False
        try:
            return self._read(CURRENT) != (before and before.text)
        except UnavailableError:
            log.exception("a refused secret could not be read again", {"secret": self.id})
            return False

    def _text(self, stage: str) -> str | None:
        known = self._texts.get(stage)
        if known is None:
            return self._first_text(stage)
        age_s = self._clock() - known.asked_at
        if age_s < MAX_AGE_S or not self._begins(stage):
            return known.text
        try:
            return self._read(stage)
        except UnavailableError:
            if age_s >= STALE_S_MAX:
                raise
            log.exception("a secret could not be read again", {"secret": self.id})
            return known.text

    def _first_text(self, stage: str) -> str | None:
        with self._first:
            known = self._texts.get(stage)
            return self._read(stage) if known is None else known.text

    def _begins(self, stage: str) -> bool:
        """Return whether it is time to ask again; then this thread is the one that asks."""
        with self._lock:
            now = self._clock()
            if now - self._asked_at.get(stage, float("-inf")) < RENEW_EVERY_S:
                return False
            self._asked_at[stage] = now
            return True

    def _read(self, stage: str) -> str | None:
        with self._lock:
            asked_at = self._asked_at[stage] = self._clock()
            rotations = self._rotations
        version = self._source.read(self.id, stage)
        text = version and self._check(version.text)
        with self._lock:
            known = self._texts.get(stage)
            if known is not None and known.asked_at > asked_at:
                return known.text  # a later question was answered before this one
            if version and stage == CURRENT:
                self._note_rotation(version)
            elif rotations != self._rotations:
                return text  # what is the previous one has changed meanwhile
            self._texts[stage] = _ReadText(text, asked_at)
        return text

    def _note_rotation(self, version: SecretVersion) -> None:
        """Note when the current text became current, and that the one before is another now."""
        before = self._texts.get(CURRENT)
        if before is not None and version.text == before.text:
            return
        self._rotations += 1
        self._texts.pop(PREVIOUS, None)
        is_seen = before is not None or version.created_at_s is None
        self._rotated_at_s = self._now() if is_seen else version.created_at_s or 0.0


class _ReadText(NamedTuple):
    """What was read of one stage; None where it does not exist."""

    text: str | None
    asked_at: float


def database_address(
    secret: Secret,
    host: str = "",
    port: int = MYSQL_PORT_DEFAULT,
    database: str = "",
    tls: DatabaseTls = PREFERRED,
    variable: str = "DATABASE_SECRET_ID",
) -> DatabaseAddress:
    """Return the address in a secret of the JSON form that RDS uses.

    That form has username and password, and if it was attached to a server also host, port and
    dbname; `host`, `port` and `database` are the defaults for these. Raises UnavailableError when
    AWS is unreachable, ConfigurationError when the secret has another form.
    """
    text = secret.current()
    try:
        parts = {"host": host, "port": port, "dbname": database} | json.loads(text)
        return DatabaseAddress(
            host=_text(parts["host"]),
            port=int(parts["port"]),
            user=_text(parts["username"]),
            password=_text(parts["password"]),
            database=_text(parts["dbname"]),
            tls=tls,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        message = f"{variable}: {secret.id} lacks host, username, password or dbname"
        # Without the cause: a JSON error quotes the secret.
        raise ConfigurationError(message) from None


def redis_credentials(secret: Secret) -> tuple[str, ...]:
    """Return (password,) or (user, password): the secret is JSON with both, or the password."""
    text = secret.current()
    try:
        parts = json.loads(text)
        return (_text(parts["username"]), _text(parts["password"]))
    except (ValueError, KeyError, TypeError):
        return (text,)


def _text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise TypeError
