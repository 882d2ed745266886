"""The journal of one process of Redis: MONITOR from its start on, and snapshots in its order."""

from __future__ import annotations

import socket
import time
import uuid
from contextlib import ExitStack, closing, suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import MovedError, RedisError
from redis.retry import Retry

from handlers.adapters.redis.keys import CampaignKeys
from local.servers.ports import HOST
from tests.faults.acceptor.events import Left, Snapshot
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
return {redis.call('INFO', 'replication'), redis.call('HMGET', KEYS[1], 'epoch', 'fence',
  'quantity', 'places_returned', 'version', 'change', 'paused', 'releases'),
  redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES'), redis.call('GET', KEYS[3]) or '0',
  redis.call('LRANGE', KEYS[4], 0, -1), redis.call('ZRANGE', KEYS[5], 0, -1)}
"""
NOTHING = "return 1"


class RedisStream:
    """The journal of one process of Redis."""

    def __init__(self, port: int, pid: int = 0) -> None:
        self.port = port
        self.pid = pid
        self.died_s: float | None = None
        # By the token that MONITOR shows at its place in the order, with its campaign.
        self._placed: dict[str, tuple[str, Snapshot | Left]] = {}
        self._read = bytearray()
        self._changed = Condition()
        self._socket = _monitor(port)
        self._thread = Thread(target=self._follow, daemon=True, name="redis-tap")
        self._thread.start()

    def snapshot(self, campaign_id: str, *, begins: bool) -> bool:
        """Take a snapshot; return whether the server decides about it. Raises UNTAPPED.

        It does not as a replica, nor in a cluster where the campaign is on another shard.
        """
        token = uuid.uuid4().hex
        keys = CampaignKeys.of(campaign_id).all()
        try:
            found = self._eval(SNAPSHOT, *keys, token=token)
        except MovedError:
            return False
        info = str(found[0], "ascii")
        fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        if fields["role"] != "master":
            return False
        history = fields["master_replid"]
        taken = Snapshot(time.time(), history, _holding(found), begins)
        self._place(token, campaign_id, taken)
        return True

    def left(self, campaign_id: str = "") -> None:
        """Note that the server does not decide about a campaign any more. Raises UNTAPPED."""
        token = uuid.uuid4().hex
        self._eval(NOTHING, token=token)
        self._place(token, campaign_id, Left(time.time()))

    def drain(self, names: ScriptNames, campaign_ids: Sequence[str]) -> list[list[RedisEvent]]:
        """Return the events of each campaign since the last call; `names` learns of scripts."""
        with self._changed:
            lines = bytes(self._read).split(b"\r\n")
            self._read = bytearray(lines.pop())
        found = [list(self._events(lines, names, each)) for each in campaign_ids or [""]]
        self._placed.clear()
        return found

    def _events(
        self, lines: Sequence[bytes], names: ScriptNames, campaign_id: str
    ) -> Iterator[RedisEvent]:
        for event in scripts(lines, names, campaign_id):
            if not isinstance(event, str):
                yield event
                continue
            placed = self._placed.get(event)
            if placed and placed[0] == campaign_id:
                yield placed[1]

    def close(self) -> None:
        """End the connection; the thread, which reads it, then closes it."""
        with suppress(OSError):  # the server has ended it
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _eval(self, script: str, *keys: str, token: str) -> Any:
        with closing(client(self.port)) as asked:
            return asked.eval(script, len(keys), *keys, token)

    def _place(self, token: str, campaign_id: str, event: Snapshot | Left) -> None:
        """Give an event the place at which MONITOR shows its token, once it does."""
        self._placed[token] = campaign_id, event
        with self._changed:
            if not self._changed.wait_for(lambda: token.encode() in self._read, TIMEOUT_S):
                message = f"MONITOR does not show a {type(event).__name__}"
                raise TimeoutError(message)

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


def client(port: int, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """Return a client that asks once: a server that does not respond is killed or frozen."""
    return redis.Redis(host=HOST, port=port, socket_timeout=timeout_s, retry=Retry(NoBackoff(), 0))


def _monitor(port: int) -> socket.socket:
    """Return a connection that shows what comes to the server from now on."""
    connection = socket.create_connection((HOST, port), TIMEOUT_S)
    with ExitStack() as cleanup:
        cleanup.callback(connection.close)
        connection.sendall(b"MONITOR\r\n")
        if connection.recv(len(b"+OK\r\n")) != b"+OK\r\n":
            message = "no MONITOR"
            raise ConnectionError(message)
        connection.settimeout(None)
        cleanup.pop_all()
    return connection


def _holding(found: Any) -> Holding:
    _, (epoch, fence, *fields), applied, count, returned, pending = found
    quantity, places, version = (int(value or 0) for value in fields[:3])
    holding = Holding(
        {user.decode(): int(float(n)) for user, n in zip(applied[::2], applied[1::2], strict=True)},
        {user.decode() for user in pending},
        int(count),
        [int(n) for n in returned],
        fence=int(fence or 0),
        quantity=quantity,
        places=places,
        version=version,
        is_noted=fields[3] is not None,
        is_paused=fields[4] == b"1",
        releases=(fields[5] or b"").decode(),
    )
    holding.set_epoch((epoch or b"").decode())
    return holding
