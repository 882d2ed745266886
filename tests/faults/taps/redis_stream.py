"""The journal of one process of Redis: MONITOR from its start on, and snapshots in its order."""

from __future__ import annotations

import socket
import time
import uuid
from contextlib import closing, suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import MovedError, RedisError
from redis.retry import Retry

from handlers.adapters.redis.keys import CampaignKeys
from local.servers.ports import HOST
from tests.faults.acceptor.events import Snapshot
from tests.faults.acceptor.holding import Holding
from tests.faults.taps.monitor import scripts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.faults.acceptor.events import RedisEvent
    from tests.faults.taps.monitor import ScriptNames

TIMEOUT_S = 2.0
READ_BYTES = 1 << 16
UNTAPPED = (RedisError, OSError, TimeoutError)
# In one script, so that it has one place in the server's order, where MONITOR shows its token.
SNAPSHOT = """
return {redis.call('INFO', 'replication'), redis.call('HMGET', KEYS[1], 'epoch', 'fence'),
  redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES'), redis.call('GET', KEYS[3]) or '0',
  redis.call('LRANGE', KEYS[4], 0, -1), redis.call('ZRANGE', KEYS[5], 0, -1)}
"""


class RedisStream:
    """The journal of one process of Redis."""

    def __init__(self, port: int, pid: int = 0) -> None:
        self.port = port
        self.pid = pid
        self.died_s: float | None = None
        # By the token that MONITOR shows where it was taken, with its campaign.
        self._snapshots: dict[str, tuple[str, Snapshot]] = {}
        self._read = bytearray()
        self._changed = Condition()
        self._socket = socket.create_connection((HOST, port), TIMEOUT_S)
        self._socket.sendall(b"MONITOR\r\n")
        self._socket.recv(len(b"+OK\r\n"))  # what comes to the server from here on is seen
        self._socket.settimeout(None)
        self._thread = Thread(target=self._follow, daemon=True, name="redis-tap")
        self._thread.start()

    def snapshot(self, campaign_id: str, *, begins: bool) -> bool:
        """Take a snapshot; return whether the server decides about it. Raises UNTAPPED.

        It does not as a replica, nor in a cluster where the campaign is on another shard.
        """
        token = uuid.uuid4().hex
        keys = CampaignKeys.of(campaign_id).all()
        with closing(
            redis.Redis(
                host=HOST,
                port=self.port,
                socket_timeout=TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),
            )
        ) as client:
            try:
                found = client.eval(SNAPSHOT, len(keys), *keys, token)
            except MovedError:
                return False
        info = str(found[0], "ascii")
        fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        if fields["role"] != "master":
            return False
        history = fields["master_replid"]
        taken = Snapshot(time.time(), history, _holding(found), begins)
        self._snapshots[token] = campaign_id, taken
        with self._changed:
            if not self._changed.wait_for(lambda: token.encode() in self._read, TIMEOUT_S):
                message = "MONITOR does not show a snapshot"
                raise TimeoutError(message)
        return True

    def drain(self, names: ScriptNames, campaign_ids: Sequence[str]) -> list[list[RedisEvent]]:
        """Return the events of each campaign since the last call; `names` learns of scripts."""
        with self._changed:
            lines = bytes(self._read).split(b"\r\n")
            self._read = bytearray(lines.pop())
        found = [list(self._events(lines, names, each)) for each in campaign_ids or [""]]
        self._snapshots.clear()
        return found

    def _events(
        self, lines: Sequence[bytes], names: ScriptNames, campaign_id: str
    ) -> Iterator[RedisEvent]:
        for event in scripts(lines, names, campaign_id):
            if not isinstance(event, str):
                yield event
                continue
            taken = self._snapshots.get(event)
            if taken and taken[0] == campaign_id:
                yield taken[1]

    def close(self) -> None:
        """End the connection; the thread, which reads it, then closes it."""
        with suppress(OSError):  # the server has ended it
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()

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
            self._socket.close()


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
