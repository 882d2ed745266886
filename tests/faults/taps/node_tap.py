"""A tap on one node of a cluster: its processes, and when it decides about a campaign."""

from __future__ import annotations

from contextlib import closing, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from redis.exceptions import MovedError

from handlers.adapters.redis.keys import CampaignKeys
from tests.faults.acceptor.events import RedisOrder
from tests.faults.taps.redis_stream import UNTAPPED, RedisStream, client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.servers import Valkey
    from tests.faults.taps.monitor import ScriptNames

# A node that is frozen now is asked again.
ASK_S = 0.3


class NodeTap:
    """Follows a node whenever it runs, and asks it which campaigns it has.

    A node refuses commands about the slots that it does not serve: as a replica, without the slot,
    and after a start until it knows the others. So it has done nothing before its first refusal,
    and it decides from the first reply on.
    """

    def __init__(self, node: Valkey) -> None:
        self._node = node
        self._lock = Lock()
        self._stream: RedisStream | None = None
        self._ended: list[RedisStream] = []
        self._campaign_ids: Sequence[str] = ()
        self._decides: set[str] = set()
        self._refused: set[str] = set()
        self._client = client(node.port, ASK_S)
        self.gaps: list[str] = []

    def poll(self) -> None:
        """Follow the process of now, and note what it decides about."""
        with self._lock:
            self._attach()
            self._ask()

    def watch(self, campaign_ids: Sequence[str], names: ScriptNames) -> None:
        """Begin a history of campaigns that do not exist yet, when the node runs."""
        with self._lock:
            self._attach()
            self.gaps, self._ended, self._decides = [], [], set()
            self._campaign_ids, self._refused = campaign_ids, set(campaign_ids)
            if self._stream is None:
                self.gaps.append("a node is not followed")
                return
            self._stream.drain(names, [])
            try:
                for campaign_id in campaign_ids:
                    self._snapshot(self._stream, campaign_id, begins=False)
            except UNTAPPED as error:
                self.gaps.append(f"no first snapshot of a node: {error}")

    def cut(self, names: ScriptNames) -> list[list[RedisOrder]]:
        """Return of each process what it has done in each campaign, up to now."""
        with self._lock:
            self._attach()
            self._ask()
            if self._stream:
                self._end(self._stream)
            else:
                self.gaps.append("a node is not followed at the end")
            streams = [*self._ended, *([self._stream] if self._stream else [])]
            return [
                [
                    RedisOrder(events, each.died_s, is_primary=self._is_primary(each, campaign_id))
                    for campaign_id, events in zip(
                        self._campaign_ids, each.drain(names, self._campaign_ids), strict=True
                    )
                ]
                for each in streams
            ]

    def close(self) -> None:
        """End all connections."""
        self._client.close()
        if self._stream:
            self._stream.close()

    def _is_primary(self, stream: RedisStream, campaign_id: str) -> bool:
        return stream is self._stream and campaign_id in self._decides

    def _attach(self) -> None:
        if self._stream and self._stream.died_s is not None:
            self._ended.append(self._stream)
            self._stream, self._decides, self._refused = None, set(), set()
        if self._stream is None and self._node.running:
            with suppress(*UNTAPPED):  # it starts, or is frozen: it is asked again
                self._stream = RedisStream(self._node.port)

    def _ask(self) -> None:
        if self._stream is None or not self._campaign_ids:
            return
        asked: Any = self._client.pipeline(transaction=False)
        with closing(asked):
            for campaign_id in self._campaign_ids:
                asked.exists(CampaignKeys.of(campaign_id).campaign)
            try:
                replies = asked.execute(raise_on_error=False)
            except UNTAPPED:
                return
        for campaign_id, reply in zip(self._campaign_ids, replies, strict=True):
            self._note(self._stream, campaign_id, reply)

    def _note(self, stream: RedisStream, campaign_id: str, reply: object) -> None:
        """Note a reply: a number, or the error with which a node refuses."""
        decides = campaign_id in self._decides
        try:
            if isinstance(reply, MovedError) and decides:
                stream.left(campaign_id)
                self._decides.discard(campaign_id)
            elif isinstance(reply, int) and not decides:
                if campaign_id not in self._refused:
                    self.gaps.append("a node that started served before it was followed")
                self._snapshot(stream, campaign_id, begins=True)
        except UNTAPPED:
            return  # killed, frozen, or a slot half-way: it is asked again
        if not isinstance(reply, int):
            self._refused.add(campaign_id)

    def _snapshot(self, stream: RedisStream, campaign_id: str, *, begins: bool) -> None:
        if stream.snapshot(campaign_id, begins=begins):
            self._decides.add(campaign_id)

    def _end(self, stream: RedisStream) -> None:
        """Take a last snapshot, behind which nothing is of account."""
        try:
            stream.left()
            for campaign_id in self._decides:
                stream.snapshot(campaign_id, begins=False)
        except UNTAPPED as error:
            self.gaps.append(f"no last snapshot of a node: {error}")
