"""What each kind of fault does to a world."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from handlers.adapters.redis.keys import CampaignKeys
from tests.faults import clock
from tests.faults.engine.links import Way
from tests.faults.engine.obstruction import UNANSWERED, Obstruction
from tests.faults.engine.topic import TopicWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.journal import Journal
    from tests.faults.engine.scenario import Fault, Scenario

    Effect = Callable[[Fault], None]

# A server that is frozen at the moment is not asked for long.
TRY_S = 0.5


class Effects:
    """Begins a fault, and returns what ends it, if anything has to."""

    def __init__(
        self, cluster: Cluster, scenario: Scenario, campaign_id: str, journal: Journal
    ) -> None:
        self._world = cluster
        self._journal = journal
        self._campaign_id = campaign_id
        self.topic = TopicWriter(cluster.settings, campaign_id, scenario.seed, scenario.quantity)
        self.obstruction = Obstruction(cluster.servers, campaign_id, scenario.quantity, journal)
        self._by_name: dict[str, Effect] = {
            "kill": lambda fault: cluster.fleet.kill(fault.target),
            "crash": lambda fault: (cluster.points / fault.target).touch(),
            "hold": self._hold,
            "clock-step": lambda fault: self._step_clock(fault.target),
            "two-schedulers": lambda _: cluster.fleet.want("scheduler-2", wanted=True),
            "duplicates": lambda _: self._wrote(self.topic.repeat(), "records again"),
            "forged": lambda _: self._wrote(self.topic.forge(), "forged records"),
            "foreign": lambda _: self._wrote(self.topic.take_serials(), "records of others"),
            "redis-flush": lambda _: self._redis("FLUSHALL"),
            "redis-old-copy": lambda _: cluster.servers.copy_redis(),
            "redis-promote": lambda _: self._follow(),
            "redis-clock": lambda fault: self._step_redis(float(fault.target)),
            "mysql-locked": lambda fault: self.obstruction.lock_tables(fault.for_s),
            "mysql-rows": lambda fault: self.obstruction.lock_rows(fault.for_s),
            "mysql-deadlock": lambda fault: self.obstruction.deadlock(fault.for_s),
            "mysql-read-only": lambda _: self.obstruction.read_only(is_on=True),
        }
        self._ends: dict[str, Effect] = {
            "redis-old-copy": lambda _: cluster.servers.restore_redis(),
            "redis-promote": lambda _: cluster.servers.promote_replica(),
            "mysql-read-only": lambda _: self.obstruction.read_only(is_on=False),
        }

    def begin(self, fault: Fault) -> None:
        """Begin a fault."""
        effect = self._by_name.get(fault.kind)
        if effect:
            effect(fault)
        else:
            self._on_server(*fault.kind.split("-"))

    def end(self, fault: Fault) -> None:
        """End one that lasts; harmless for every other one."""
        effect = self._ends.get(fault.kind)
        if effect:
            effect(fault)
        elif fault.kind not in self._by_name:
            self._end_on_server(*fault.kind.split("-"))

    def close(self) -> None:
        """End what is still under way."""
        self.obstruction.close()
        self._step_clock("0")

    def _on_server(self, name: str, what: str) -> None:
        servers = self._world.servers
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
            link.set(Way(what))

    def _end_on_server(self, name: str, what: str) -> None:
        servers = self._world.servers
        link = servers.links[name]
        if what == "kill":
            servers.start(name)
        elif what == "freeze":
            servers.thaw(name)
        elif what == "refuse":
            link.accept()
        elif what not in {"cut", "strand"}:
            link.set(Way.OPEN)

    def _hold(self, fault: Fault) -> None:
        point = self._world.points / fault.target
        written = point.with_name(f"{point.name}.new")
        written.write_text(f"{fault.for_s}")
        written.rename(point)  # nobody finds it empty, which would mean to die

    def _step_clock(self, seconds: str) -> None:
        clock.file(self._world.points).write_text(seconds)

    def _wrote(self, how_many: int, what: str) -> None:
        self._journal.note(f"  {how_many} {what}")

    def _follow(self) -> None:
        if not self._world.servers.follow_redis():
            self._passed_over("the replica could not follow")

    def _redis(self, *command: str) -> None:
        # A fault that meets a server that is down or frozen is no fault: noted, and passed over.
        try:
            with self._world.servers.redis(TRY_S) as client:
                client.execute_command(*command)
        except RedisError as error:
            self._passed_over(type(error).__name__)

    def _step_redis(self, seconds: float) -> None:
        """Let what is pending look as if Redis's clock had been off when it was admitted."""
        pending = CampaignKeys.of(self._campaign_id).pending
        with suppress(*UNANSWERED), self._world.servers.redis(TRY_S) as client:
            for user in client.zrange(pending, 0, -1):
                # XX: one that is settled meanwhile is not made pending again.
                client.zadd(pending, {user: seconds * 1000}, xx=True, incr=True)

    def _passed_over(self, why: str) -> None:
        self._journal.note(f"  passed over: {why}")
