"""A tap on every Redis of a cluster: MONITOR from its start on, and snapshots within its order."""

from __future__ import annotations

import socket
import time
import uuid
from contextlib import closing
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from handlers.adapters.redis.keys import CampaignKeys
from local.servers import Valkey
from local.servers.ports import HOST
from tests.faults.acceptor.events import RedisOrder, Snapshot
from tests.faults.acceptor.holding import Holding
from tests.faults.taps.monitor import ScriptNames, scripts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.faults.acceptor.events import RedisEvent

TIMEOUT_S = 2.0
READ_BYTES = 1 << 16
UNTAPPED = (RedisError, OSError, TimeoutError)
# In one script, so that it has one place in the server's order, where MONITOR shows its token.
SNAPSHOT = """
return {redis.call('INFO', 'replication'), redis.call('HMGET', KEYS[1], 'epoch', 'fence'),
  redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES'), redis.call('GET', KEYS[3]) or '0',
  redis.call('LRANGE', KEYS[4], 0, -1), redis.call('ZRANGE', KEYS[5], 0, -1)}
"""


class _Stream:
    """The journal of one process of Redis."""

    def __init__(self, server: Valkey) -> None:
        self.server = server
        self.died_s: float | None = None
        self.snapshots: dict[str, Snapshot] = {}
        self._read = bytearray()
        self._changed = Condition()
        self._socket = socket.create_connection((HOST, server.port), TIMEOUT_S)
        self._socket.sendall(b"MONITOR\r\n")
        self._socket.recv(len(b"+OK\r\n"))  # what comes to the server from here on is seen
        self._socket.settimeout(None)
        Thread(target=self._follow, daemon=True, name="redis-tap").start()

    def snapshot(self, campaign_id: str, *, begins: bool) -> bool:
        """Take a snapshot; return whether the server is a primary. Raises UNTAPPED."""
        token = uuid.uuid4().hex
        keys = CampaignKeys.of(campaign_id).all()
        with closing(
            redis.Redis(
                host=HOST,
                port=self.server.port,
                socket_timeout=TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),
            )
        ) as client:
            found = client.eval(SNAPSHOT, len(keys), *keys, token)
        info = str(found[0], "ascii")
        fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        if fields["role"] != "master":
            return False
        history = fields["master_replid"]
        self.snapshots[token] = Snapshot(time.time(), history, _holding(found), begins)
        with self._changed:
            if not self._changed.wait_for(lambda: token.encode() in self._read, TIMEOUT_S):
                message = "MONITOR does not show a snapshot"
                raise TimeoutError(message)
        return True

    def drain(self) -> list[bytes]:
        """Return the lines since the last call."""
        with self._changed:
            lines = bytes(self._read).split(b"\r\n")
            self._read = bytearray(lines.pop())
        return lines

    def close(self) -> None:
        """End the connection, also while the thread reads."""
        with closing(self._socket):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _follow(self) -> None:
        try:
            while data := self._socket.recv(READ_BYTES):
                with self._changed:
                    self._read += data
                    self._changed.notify_all()
        except OSError:
            pass  # as the end of the stream: the server was killed
        finally:
            self.died_s = time.time()


class RedisTap:
    """All journals of a cluster's Redis processes, for one history after the other."""

    def __init__(self) -> None:
        self._streams: list[_Stream] = []
        self._names = ScriptNames()
        self._campaign_id = ""
        self.gaps: list[str] = []

    def attach(self, server: Valkey) -> None:
        """Follow a server that has started, before a client of the service can reach it."""
        try:
            stream = _Stream(server)
            self._streams.append(stream)
            stream.snapshot(self._campaign_id, begins=True)
        except UNTAPPED as error:
            self.gaps.append(f"a Redis that started is not seen: {error}")

    def promoted(self, server: Any) -> None:
        """Note that a replica has become a primary, before a client can reach it."""
        for stream in self._streams:
            if stream.server is server and stream.died_s is None:
                self._snapshot(stream, begins=True)

    def watch(self, campaign_id: str) -> None:
        """Begin a history; what happened before is of no account."""
        self._campaign_id = campaign_id
        self._streams = [stream for stream in self._streams if stream.died_s is None]
        self.gaps = []
        for stream in self._streams:
            list(scripts(stream.drain(), self._names, ""))  # learns the names of scripts
            stream.snapshots.clear()
            self._snapshot(stream, begins=False)

    def cut(self, primary: Any) -> list[RedisOrder]:
        """Return what each process has done since, up to a last snapshot of those that live."""
        for stream in self._streams:
            if stream.died_s is None:
                self._snapshot(stream, begins=False)
        return [
            RedisOrder(self._events(each), each.died_s, is_primary=each.server is primary)
            for each in self._streams
        ]

    def close(self) -> None:
        """End all connections."""
        for stream in self._streams:
            if stream.died_s is None:
                stream.close()

    def _snapshot(self, stream: _Stream, *, begins: bool) -> None:
        try:
            stream.snapshot(self._campaign_id, begins=begins)
        except UNTAPPED as error:
            self.gaps.append(f"no snapshot of a Redis: {error}")

    def _events(self, stream: _Stream) -> list[RedisEvent]:
        found: list[RedisEvent] = []
        for event in scripts(stream.drain(), self._names, self._campaign_id):
            if not isinstance(event, str):
                found.append(event)
            elif event in stream.snapshots:
                found.append(stream.snapshots[event])
        return found


class TappedValkey(Valkey):
    """Valkey that a tap follows from its start on."""

    def __init__(self, tap: RedisTap, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options=options)
        self._tap = tap

    def wait_until_ready(self) -> None:
        """Return when the server serves and is followed."""
        super().wait_until_ready()
        self._tap.attach(self)


def _holding(found: Any) -> Holding:
    _, (epoch, fence), applied, count, returned, pending = found
    holding = Holding(
        {user.decode(): int(float(n)) for user, n in zip(applied[::2], applied[1::2], strict=True)},
        {user.decode() for user in pending},
        int(count),
        [int(n) for n in returned],
        fence=int(fence or 0),
    )
    holding.set_epoch((epoch or b"").decode())
    return holding
