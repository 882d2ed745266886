"""A tap on every Redis of a cluster, whatever is started, killed or promoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.servers import Valkey
from tests.faults.acceptor.events import RedisOrder
from tests.faults.taps.monitor import ScriptNames
from tests.faults.taps.redis_stream import UNTAPPED, RedisStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class RedisTap:
    """All journals of a cluster's Redis processes, for one history after the other."""

    def __init__(self) -> None:
        self._streams: list[RedisStream] = []
        self._names = ScriptNames()
        self._campaign_id = ""
        self.gaps: list[str] = []

    def attach(self, server: Valkey) -> None:
        """Follow a server that has started, before a client of the service can reach it.

        Harmless for a process that is followed already.
        """
        if any(stream.pid == server.pid and stream.died_s is None for stream in self._streams):
            return
        try:
            stream = RedisStream(server.port, server.pid)
            self._streams.append(stream)
            stream.snapshot(self._campaign_id, begins=True)
        except UNTAPPED as error:
            self.gaps.append(f"a Redis that started is not seen: {error}")

    def promoted(self, server: Any) -> None:
        """Note that a replica has become a primary, before a client can reach it."""
        for stream in self._streams:
            if stream.port == server.port and stream.died_s is None:
                self._snapshot(stream, begins=True)

    def watch(self, campaign_ids: Sequence[str]) -> None:
        """Begin a history of one campaign; what happened before is of no account."""
        [self._campaign_id] = campaign_ids
        self._streams = [stream for stream in self._streams if stream.died_s is None]
        self.gaps = []
        for stream in self._streams:
            stream.drain(self._names, [])
            self._snapshot(stream, begins=False)

    def cut(self) -> list[list[RedisOrder]]:
        """Return what each process has done since, up to a last snapshot of those that live.

        In a list for each campaign, of which there is one.
        """
        deciding = [
            stream.died_s is None and self._snapshot(stream, begins=False)
            for stream in self._streams
        ]
        orders = [
            RedisOrder(events, each.died_s, is_primary=decides)
            for each, decides in zip(self._streams, deciding, strict=True)
            for events in each.drain(self._names, [self._campaign_id])
        ]
        return [orders]

    def close(self) -> None:
        """End all connections."""
        for stream in self._streams:
            stream.close()

    def _snapshot(self, stream: RedisStream, *, begins: bool) -> bool:
        try:
            return stream.snapshot(self._campaign_id, begins=begins)
        except UNTAPPED as error:
            self.gaps.append(f"no snapshot of a Redis: {error}")
            return False


class TappedValkey(Valkey):
    """Valkey that a tap follows from its start on."""

    def __init__(self, tap: RedisTap, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options=options)
        self._tap = tap

    def wait_until_ready(self) -> None:
        """Return when the server serves and is followed."""
        super().wait_until_ready()
        self._tap.attach(self)
