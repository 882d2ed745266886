"""Journals written by hand, event by event, for the tests of the acceptor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.harness.responses import ACCEPTED, ApplyResponse
from tests.faults.acceptor.events import (
    Command,
    Emptied,
    EndStored,
    Failed,
    FenceRaised,
    Left,
    MySQLEvent,
    Observed,
    RedisEvent,
    RedisOrder,
    RowWritten,
    ScriptRun,
    Sent,
    Snapshot,
)
from tests.faults.acceptor.holding import Holding
from tests.faults.acceptor.judge import judge

if TYPE_CHECKING:
    from tests.faults.acceptor.verdict import Verdict

QUANTITY = 2
FIRST = "aaaa"


@dataclass
class Story:
    """A campaign of two coupons that is open in Redis; each call adds what a server did."""

    redis: list[RedisEvent] = field(default_factory=list)
    mysql: list[MySQLEvent] = field(default_factory=list)
    topic: list[Sent] = field(default_factory=list)
    responses: list[ApplyResponse] = field(default_factory=list)
    now_s: float = 0.0
    history: str = FIRST

    def __post_init__(self) -> None:
        self.redis.append(Snapshot(self.tick(), self.history, Holding()))
        self.raises_fence(1)
        args = "1", "1", "quantity", f"{QUANTITY}"
        self.script(
            "campaign/open", args, ("HSET", "campaign", "epoch", FIRST, "fence", "1", *args[2:])
        )

    def tick(self) -> float:
        self.now_s += 1
        return self.now_s

    def script(self, name: str, args: tuple[str, ...], *commands: Command) -> None:
        self.redis.append(ScriptRun(self.tick(), name, args, commands))

    def admits(self, user: str, serial: int, *, pending: bool = True) -> None:
        noted = [("ZADD", "pending", "77", user)] if pending else []
        given = [("ZADD", "applied_user", f"{serial}", user), ("SET", "coupon_count", f"{serial}")]
        self.script("admission/admit", ("1", "0", "0", "", "", "", user, ""), *noted, *given)

    def confirms(self, fence: int, *, writes: int | None = None) -> None:
        """writes: the fence that it writes, for replicas to take."""
        did: list[Command] = [("HMGET", "campaign", "epoch", "fence"), ("PERSIST", "campaign")]
        if writes is not None:
            did.append(("HSET", "campaign", "fence", f"{writes}"))
        self.script("admission/confirm", ("1", f"{fence}", "1" if writes else ""), *did)

    def settles(self, user: str, serial: int) -> None:
        args = "coupon", "1", "0", user, f"{serial}"
        self.script("admission/settle", args, ("ZREM", "pending", user))

    def is_emptied(self) -> None:
        self.redis.append(Emptied(self.tick()))

    def shows(self, holding: Holding, *, history: str = FIRST) -> None:
        self.redis.append(Snapshot(self.tick(), history, holding, begins=history != FIRST))

    def leaves(self) -> None:
        self.redis.append(Left(self.tick()))

    def begins(self, fence: int) -> None:
        epoch = f"rebuilding:{fence}:{self.history}"
        written = ("HSET", "campaign", "epoch", epoch, "erased", "")
        self.script("rebuild/begin", ("1", f"{fence}", ""), written)

    def loads(self, fence: int, user: str, serial: int, *, pending: bool) -> None:
        args = "1", f"{fence}", user, f"{serial}", "77" if pending else "0"
        noted = ("ZADD", "pending", "77", user) if pending else ("ZREM", "pending", user)
        self.script("rebuild/load", args, ("ZADD", "applied_user", f"{serial}", user), noted)

    def returns(self, fence: int, serial: int) -> None:
        args = "1", f"{fence}", f"{serial}"
        self.script("rebuild/return_serials", args, ("RPUSH", "returned", f"{serial}"))

    def opens(self, fence: int) -> None:
        row = "quantity", f"{QUANTITY}"
        fields = "epoch", self.history, "fence", f"{fence}", *row
        self.script("rebuild/reopen", ("1", f"{fence}", *row), ("HSET", "campaign", *fields))

    def raises_fence(self, fence: int) -> None:
        self.mysql.append(FenceRaised(self.tick(), fence))

    def stores_end(self, fence: int, offset: int) -> None:
        self.mysql.append(EndStored(self.tick(), fence, 0, offset))

    def writes(self, user: str, serial: int) -> None:
        self.mysql.append(RowWritten(self.tick(), user, serial))

    def fails(self, user: str, reason: str, offset: int, status: str = "PENDING") -> None:
        self.mysql.append(Failed(self.tick(), user, reason, status, 0, offset))

    def sends(self, user: str, serial: int, fence: int) -> None:
        self.topic.append(Sent(0, len(self.topic), (user, serial, fence)))

    def tells(self, user: str, outcome: str = ACCEPTED, serial: int | None = None) -> None:
        """Respond to a request that was sent before the last event of any server."""
        at_s = self.tick()
        self.responses.append(ApplyResponse(user, outcome, serial, 202, at_s - 2.5, at_s))

    def issues(self, user: str, serial: int, fence: int = 1) -> None:
        """Take the whole way of a coupon."""
        self.admits(user, serial)
        self.sends(user, serial, fence)
        self.confirms(fence)
        self.tells(user, ACCEPTED, serial)
        self.writes(user, serial)
        self.settles(user, serial)

    def rebuilds(self, fence: int, rows: dict[str, int], end: int) -> None:
        """Take all steps of a rebuild that finds these rows."""
        self.raises_fence(fence)
        self.begins(fence)
        self.stores_end(fence, end)
        for user, serial in rows.items():
            self.loads(fence, user, serial, pending=False)
        self.opens(fence)

    def verdict(
        self, *, quiet: bool = False, died_s: float | None = None, gaps: tuple[str, ...] = ()
    ) -> Verdict:
        order = RedisOrder(self.redis, died_s)
        servers = [order], self.mysql, self.topic
        return judge(Observed(QUANTITY, *servers, self.responses, quiet=quiet, gaps=gaps))


def rejected(story: Story, guard: str, event: str = "") -> None:
    """Assert that the first rejection names this guard, and this event."""
    first = story.verdict().first
    assert f"{guard}: " in first, first
    assert event in first, first
