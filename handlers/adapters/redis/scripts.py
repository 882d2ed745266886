"""Runs the Lua scripts in lua/ by digest, and turns Redis's errors into domain errors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from redis import RedisCluster
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from handlers.adapters.redis.keys import EPOCH
from handlers.adapters.redis.thread_local_client import ThreadLocalRedis
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

# redis-py's error for an unreachable cluster is not a RedisError.
NO_RESPONSE = (RedisError, RedisClusterException)

Call = tuple[Sequence[str], Sequence[Any]]  # keys and arguments of a script

FOLDER = Path(__file__).parent / "lua"


# A line of a script that is replaced by another file, which may include others.
INCLUDE = re.compile(r"^-- include (\S+)$", re.MULTILINE)


class Script:
    """One .lua file, with the files that it includes, and its digest."""

    def __init__(self, name: str) -> None:
        self.source = _assembled(f"{name}.lua", set())
        # Redis names scripts by SHA-1; nothing here relies on it being hard to forge.
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


def _assembled(path: str, included: set[str]) -> str:
    """Return a file's text with each file that it includes, once."""

    def text(line: re.Match[str]) -> str:
        if line[1] in included:
            return ""
        included.add(line[1])
        return _assembled(line[1], included)

    return INCLUDE.sub(text, (FOLDER / path).read_text(encoding="utf-8"))


EPOCH_IS_KNOWN = Script("epoch/is_known")


class Scripts:
    """Sends scripts to Redis, each one call in one round trip."""

    def __init__(self, connect: Callable[[], Redis | RedisCluster], *, epoch: bool) -> None:
        self._connect = connect
        self._client: Redis | RedisCluster | None = None
        self._lock = Lock()
        # "1": the scripts compare each epoch with the history of their server; "" skips that.
        self.checks_epoch = "1" if epoch else ""

    def run(self, script: Script, keys: Sequence[str], *args: Any) -> Any:
        """Return the script's reply; raise UnavailableError when there is none."""
        try:
            return self.command("EVALSHA", script.digest, len(keys), *keys, *args)
        except UnavailableError as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
            # The server restarted or its scripts were flushed: send the text; Redis caches it.
            return self.command("EVAL", script.source, len(keys), *keys, *args)

    def run_all(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        """Run a script once for each call, in one round trip; return the replies in their order.

        A missing reply is an UnavailableError. To a cluster, whose servers share the calls, they
        are sent one by one.
        """
        if not calls:
            return []
        try:
            client = self._connected()
            if not isinstance(client, ThreadLocalRedis):
                return [self._run_one(script, call) for call in calls]
            replies = client.execute_all(
                [("EVALSHA", script.digest, len(keys), *keys, *args) for keys, args in calls]
            )
        except NO_RESPONSE as error:
            return [_unavailable(error)] * len(calls)
        for index, reply in enumerate(replies):
            if isinstance(reply, NoScriptError):
                replies[index] = self._run_one(script, calls[index])
            elif isinstance(reply, RedisError):
                replies[index] = _unavailable(reply)
        return replies

    def _run_one(self, script: Script, call: Call) -> Any:
        keys, args = call
        try:
            return self.run(script, keys, *args)
        except UnavailableError as error:
            return error

    def command(self, *args: Any) -> Any:
        """Return a plain command's reply; raise UnavailableError when there is none."""
        try:
            return self._connected().execute_command(*args)
        except NO_RESPONSE as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Close all connections; the next command opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Redis | RedisCluster:
        client = self._client
        if client is None:
            with self._lock:
                if self._client is None:
                    self._client = self._connect()
                client = self._client
        return client

    @property
    def is_cluster(self) -> bool:
        """Whether keys may be on several servers."""
        return isinstance(self._connected(), RedisCluster)

    def epoch_is_known(self) -> bool:
        """Return whether a missing key really never existed; False: Redis may have lost it."""
        return bool(self.run(EPOCH_IS_KNOWN, [EPOCH], self.checks_epoch))


def _unavailable(cause: Exception) -> UnavailableError:
    error = UnavailableError("Redis gave no answer")
    error.__cause__ = cause
    return error
