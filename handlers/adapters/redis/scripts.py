"""Runs the Lua scripts in lua/ by digest, and turns Redis's errors into domain errors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from handlers.adapters.circuit_breaker import CircuitBreaker
from handlers.adapters.redis.keys import CAMPAIGNS, epoch_key
from handlers.domain.errors import MissingCampaignError, StaleStateError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.adapters.redis.cluster_client import ThreadLocalCluster
    from handlers.adapters.redis.own_connection import Command
    from handlers.adapters.redis.thread_local_client import ThreadLocalRedis

# redis-py's error for an unreachable cluster is not a RedisError.
NO_RESPONSE = (RedisError, RedisClusterException)

# A cluster of which no node responded is left alone for so long.
CONNECT_AGAIN_S = 1.0

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


IS_LISTED = Script("epoch/is_listed")


class Scripts:
    """Sends scripts to Redis, each one call in one round trip."""

    def __init__(
        self,
        connect: Callable[[], ThreadLocalRedis | ThreadLocalCluster],
        *,
        epoch: bool,
        is_cluster: bool = False,
        confirming_replicas: int = 0,
    ) -> None:
        """is_cluster: keys may be on several servers."""
        self.confirming_replicas = confirming_replicas
        self._connect = connect
        self._client: ThreadLocalRedis | ThreadLocalCluster | None = None
        self._lock = Lock()
        self._connecting = CircuitBreaker(failures_max=1, open_s=CONNECT_AGAIN_S)
        self.is_cluster = is_cluster
        self.epoch_key = epoch_key(is_cluster=is_cluster)
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

    def run_all(
        self, script: Script, calls: Sequence[Call], wait: Command | None = None
    ) -> list[Any]:
        """Run a script once for each call, in one round trip; return the replies in their order.

        A missing reply is an UnavailableError. With `wait`, a WAIT sent behind the calls of each
        server, so is one whose writes too few replicas have taken.
        """
        return self.run_each([(script, call) for call in calls], wait)

    def run_each(
        self, calls: Sequence[tuple[Script, Call]], wait: Command | None = None
    ) -> list[Any]:
        """Do the same with a script for each call; one server runs them in their order."""
        if not calls:
            return []
        try:
            client = self._connected()
            commands = [
                ("EVALSHA", script.digest, len(keys), *keys, *args)
                for script, (keys, args) in calls
            ]
            replies = client.execute_all(commands, wait) if wait else client.execute_all(commands)
        except NO_RESPONSE as error:
            return [_unavailable(error)] * len(calls)
        for index, reply in enumerate(replies):
            if isinstance(reply, NoScriptError):
                again = self._run_one(*calls[index])
                # Redis has the text from now on, but nothing waited for the replicas.
                replies[index] = _unavailable(reply) if wait else again
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

    def _connected(self) -> ThreadLocalRedis | ThreadLocalCluster:
        client = self._client
        if client is None:
            with self._lock:
                client = self._client or self._first_connected()
                self._client = client
        return client

    def _first_connected(self) -> ThreadLocalRedis | ThreadLocalCluster:
        """Connect; a cluster's client asks for its nodes, for which others must not queue."""
        if not self._connecting.allows():
            message = "no node of the cluster responded just now"
            raise RedisConnectionError(message)
        try:
            client = self._connect()
        except NO_RESPONSE:
            self._connecting.failed()
            raise
        self._connecting.succeeded()
        return client

    def epoch_is_known(self) -> bool:
        """Return whether the list of campaigns is complete; False: Redis may have lost some."""
        return self.lists_all(())

    def lists_all(self, campaign_ids: Sequence[str]) -> bool:
        """Return whether the list is complete, and has these campaigns."""
        keys = self.epoch_key, CAMPAIGNS
        return bool(self.run(IS_LISTED, keys, self.checks_epoch, *campaign_ids) == b"LISTED")

    def why_missing(self, campaign_ids: Sequence[str]) -> list[UnavailableError | None]:
        """Return for each campaign that Redis does not have why; None: it never existed.

        StaleStateError: Redis may have lost it. MissingCampaignError: it has, or not yet opened it,
        or the server of the list, which would know that, does not respond.
        """
        keys = self.epoch_key, CAMPAIGNS
        calls: list[Call] = [(keys, (self.checks_epoch, one)) for one in campaign_ids]
        return [self._missing(reply) for reply in self.run_all(IS_LISTED, calls)]

    def _missing(self, reply: Any) -> UnavailableError | None:
        if isinstance(reply, UnavailableError):
            # In a cluster the campaign's own server has just responded: it does not have it.
            return MissingCampaignError(str(reply)) if self.is_cluster else reply
        if reply == b"STALE":
            return StaleStateError()
        # A single server with the list has every campaign that was opened.
        return MissingCampaignError() if self.is_cluster and reply == b"LISTED" else None


def _unavailable(cause: Exception) -> UnavailableError:
    error = UnavailableError("Redis gave no answer")
    error.__cause__ = cause
    return error
