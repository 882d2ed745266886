"""The effect of each kind of fault on a cluster."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from handlers.adapters.redis.keys import CampaignKeys
from tests.faults import clock
from tests.faults.engine.acts import Act
from tests.faults.engine.links import LinkMode
from tests.faults.engine.obstruction import UNANSWERED, Obstruction
from tests.faults.engine.scenario import ACT
from tests.faults.engine.shards import GONE
from tests.faults.engine.steps import STEP_S_MAX, Steps
from tests.faults.engine.topic import TopicWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.engine.actors import Actors
    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.journal import Journal
    from tests.faults.engine.scenario import Fault, Scenario

    Effect = Callable[[Fault], None]

# A server that is frozen right now is not waited for long.
TRY_S = 0.5


class Effects:
    """Starts and ends faults."""

    def __init__(
        self,
        cluster: Cluster,
        scenario: Scenario,
        campaign_id: str,
        journal: Journal,
        actors: Actors,
    ) -> None:
        self._cluster = cluster
        self._journal = journal
        self._campaign_id = campaign_id
        self.topic = TopicWriter(cluster.settings, campaign_id, scenario.seed, scenario.quantity)
        self.obstruction = Obstruction(cluster.servers, campaign_id, scenario.quantity, journal)
        steps = Steps(cluster, campaign_id)
        # A server that is frozen when this ends has to be asked again.
        self._is_read_only_too_long = False
        # In a cluster: the node that a fault has struck, which may have no slot when it ends.
        self._where: dict[Fault, str] = {}
        # Faults that found no server which they could strike.
        self.passed_over: set[Fault] = set()
        self._by_name: dict[str, Effect] = {
            "kill": lambda fault: cluster.fleet.kill(fault.target),
            "crash": lambda fault: (cluster.points / fault.target).touch(),
            "hold": self._pause,
            ACT: lambda fault: actors.do(Act.parse(fault.target), time.monotonic() + STEP_S_MAX),
            "await": lambda fault: steps.await_point(fault.target),
            "await-consumed": lambda _: steps.await_consumed(),
            "release": lambda fault: steps.release(fault.target),
            "clock-step": lambda fault: self._step_clock(fault.target),
            "two-schedulers": lambda _: cluster.fleet.want("scheduler-2", wanted=True),
            "duplicates": lambda _: self._wrote(self.topic.repeat(), "records again"),
            "forged": lambda _: self._wrote(self.topic.forge(), "forged records"),
            "foreign": lambda _: self._wrote(self.topic.take_serials(), "records of others"),
            "redis-flush": lambda _: self._redis("FLUSHALL"),
            "redis-old-copy": lambda fault: cluster.servers.copy_redis(self._struck(fault)),
            "redis-promote": lambda _: self._follow(),
            "redis-failover": lambda _: self._lag(),
            "redis-clock": lambda fault: self._step_redis(float(fault.target)),
            "mysql-locked": lambda fault: self.obstruction.lock_tables(fault.for_s),
            "mysql-rows": lambda fault: self.obstruction.lock_rows(fault.for_s),
            "mysql-deadlock": lambda fault: self.obstruction.deadlock(fault.for_s),
            "mysql-read-only": lambda _: self._set_read_only(is_on=True),
        }
        self._ends: dict[str, Effect] = {
            "redis-old-copy": lambda fault: cluster.servers.restore_redis(self._where.pop(fault)),
            "redis-promote": lambda _: cluster.servers.promote_replica(),
            "redis-failover": lambda fault: self._fail_over(fault.target),
            "mysql-read-only": lambda _: self._set_read_only(is_on=False),
        }
        if shards := cluster.servers.shards:
            shards.key = CampaignKeys.of(campaign_id).campaign
            self._by_name |= {
                "shard-kill": lambda fault: shards.kill(fault.target),
                "shard-freeze": lambda _: shards.freeze(),
                "shard-takeover": lambda _: shards.lag(),
                "shard-failover": lambda _: shards.fail_over(),
                "shard-move": lambda fault: shards.begin_move(fault.target),
            }
            self._ends |= {
                "shard-kill": lambda _: shards.revive(),
                "shard-freeze": lambda _: shards.revive(),
                "shard-takeover": lambda _: shards.take_over(),
                "shard-failover": lambda _: shards.fail_over(),
                "shard-move": lambda _: shards.end_move(),
            }

    def begin(self, fault: Fault) -> None:
        """Start a fault."""
        self._try(fault, self._by_name.get(fault.kind, self._on_server))

    def end(self, fault: Fault) -> None:
        """End a lasting fault; harmless for every other one."""
        effect = self._ends.get(fault.kind)
        if effect:
            self._try(fault, effect)
        elif fault.kind not in self._by_name:
            self._end_on_server(fault)
            if self._is_read_only_too_long:
                self._set_read_only(is_on=False)

    def _try(self, fault: Fault, effect: Effect) -> None:
        try:
            effect(fault)
        except GONE as error:
            self.passed_over.add(fault)
            self._skipped(f"{type(error).__name__}: {error}")

    def _set_read_only(self, *, is_on: bool) -> None:
        self._is_read_only_too_long = not self.obstruction.read_only(is_on=is_on) and not is_on

    @property
    def is_moving(self) -> bool:
        """Whether a slot is on its way to another shard."""
        shards = self._cluster.servers.shards
        return shards is not None and shards.is_moving

    def close(self) -> None:
        """End every fault that is still active."""
        self.obstruction.close()
        self._step_clock("0")

    def _struck(self, fault: Fault) -> str:
        name, _ = fault.kind.split("-", 1)
        return self._where.setdefault(fault, self._cluster.servers.where(name))

    def _on_server(self, fault: Fault) -> None:
        servers = self._cluster.servers
        name, (_, what) = self._struck(fault), fault.kind.split("-")
        link = servers.links[name]
        actions: dict[str, Callable[[], None]] = {
            "kill": lambda: servers.kill(name),
            "freeze": lambda: servers.freeze(name),
            "cut": link.cut,
            "refuse": link.refuse,
            "strand": link.strand,
        }
        action = actions.get(what)
        if action:
            action()
        else:
            link.set(LinkMode(what))

    def _end_on_server(self, fault: Fault) -> None:
        servers = self._cluster.servers
        name, (_, what) = self._struck(fault), fault.kind.split("-")
        link = servers.links[name]
        if what == "kill":
            servers.start(name)
        elif what == "freeze":
            servers.thaw(name)
        elif what == "refuse":
            link.accept()
        elif what not in {"cut", "strand"}:
            link.set(LinkMode.OPEN)

    def _pause(self, fault: Fault) -> None:
        point = self._cluster.points / fault.target
        written = point.with_name(f"{point.name}.new")
        written.write_text(f"{fault.for_s}")
        written.rename(point)  # no program may find it empty: empty means die

    def _step_clock(self, seconds: str) -> None:
        clock.file(self._cluster.points).write_text(seconds)

    def _wrote(self, how_many: int, what: str) -> None:
        self._journal.note(f"  {how_many} {what}")

    def _follow(self) -> None:
        if not self._cluster.servers.follow_redis():
            self._skipped("the replica could not follow")

    def _lag(self) -> None:
        if self._cluster.servers.replication:
            self._cluster.servers.replication.lag()

    def _fail_over(self, move: str) -> None:
        if not self._cluster.servers.fail_over(move):
            self._skipped("there is no replica to promote")

    def _redis(self, *command: str) -> None:
        # A fault on a server that is down or frozen has no effect: noted and skipped.
        try:
            with self._cluster.servers.redis(TRY_S) as client:
                client.execute_command(*command)
        except RedisError as error:
            self._skipped(type(error).__name__)

    def _step_redis(self, seconds: float) -> None:
        """Shift pending times as if Redis's clock had been wrong at the admission."""
        pending = CampaignKeys.of(self._campaign_id).pending
        with suppress(*UNANSWERED), self._cluster.servers.redis(TRY_S) as client:
            for user in client.zrange(pending, 0, -1):
                # XX: do not make an admission pending again that was settled meanwhile.
                client.zadd(pending, {user: seconds * 1000}, xx=True, incr=True)

    def _skipped(self, why: str) -> None:
        self._journal.note(f"  passed over: {why}")
