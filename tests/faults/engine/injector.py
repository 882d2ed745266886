"""Does what a scenario says, each fault at its time, and notes it down."""

from __future__ import annotations

import heapq
import itertools
import os
import shutil
import signal
import time
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pymysql
from redis.exceptions import RedisError

from tests.faults.engine.topic import TopicWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from local.servers import Server
    from tests.faults.engine.journal import Journal
    from tests.faults.engine.scenario import Fault, Scenario
    from tests.faults.engine.world import World

# A server that is frozen at the moment is not asked for long.
TRY_S = 0.5
RESTART_LOOK_S = 0.1


class Injector:
    """Runs beside the load, in one thread: begins and ends faults, restarts what died."""

    def __init__(
        self, world: World, scenario: Scenario, campaign_id: str, journal: Journal
    ) -> None:
        self._world = world
        self._journal = journal
        self._scenario = scenario
        self._turn = itertools.count()
        self._due: list[tuple[float, int, str, Callable[[], None]]] = []
        self._frozen: dict[str, int] = {}
        self._held_back: dict[str, float] = {}
        self.topic = TopicWriter(world.settings, campaign_id, scenario.seed, scenario.quantity)

    def run(self, is_over: Event) -> None:
        """Do everything; go on starting what dies until `is_over`; then heal the world."""
        started = time.monotonic()
        for fault in self._scenario.faults:
            self._at(fault.at_s, f"{fault}", partial(self._begin, fault))
        try:
            while self._due:
                due_s, _, what, action = self._due[0]
                wait_s = due_s - (time.monotonic() - started)
                if wait_s > 0:
                    self._world.pause(min(wait_s, RESTART_LOOK_S))
                    self._restart_dead(time.monotonic() - started)
                    continue
                heapq.heappop(self._due)
                self._journal.note(what)
                action()
            while not is_over.is_set():
                self._world.pause(RESTART_LOOK_S)
                self._restart_dead(time.monotonic() - started)
        finally:
            self._end_all()

    def _at(self, due_s: float, what: str, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (due_s, next(self._turn), what, action))

    def _begin(self, fault: Fault) -> None:
        server, _, action = fault.kind.partition("-")
        ends_s = fault.at_s + fault.for_s
        ended = f"{fault.kind} ends"
        if fault.kind == "kill":
            self._held_back[fault.target] = ends_s
            self._world.fleet.kill(fault.target)
        elif fault.kind == "crash":
            (self._world.points / fault.target).touch()
        elif fault.kind == "hold":
            self._hold(fault)
        elif action == "freeze":
            self._freeze(server)
            self._at(ends_s, ended, lambda: self._thaw(server))
        elif action == "kill":
            self._server(server).kill()
            self._at(ends_s, ended, self._server(server).start)
        elif fault.kind == "redis-old-copy":
            self._copy_redis()
            self._at(ends_s, "redis comes back from the copy", self._restore_redis)
        elif fault.kind == "mysql-locked":
            self._lock_mysql(ends_s)
        else:
            self._simple(fault.kind)

    def _hold(self, fault: Fault) -> None:
        point = self._world.points / fault.target
        written = point.with_name(f"{point.name}.new")
        written.write_text(f"{fault.for_s}")
        written.rename(point)  # nobody finds it empty, which would mean to die

    def _simple(self, kind: str) -> None:
        fleet = self._world.fleet
        actions: dict[str, Callable[[], Any]] = {
            "redis-flush": lambda: self._redis("FLUSHALL"),
            "redis-cut": lambda: self._redis("CLIENT", "KILL", "TYPE", "NORMAL"),
            "mysql-cut": self._cut_mysql,
            "two-schedulers": lambda: fleet.want("scheduler-2", wanted=True),
            "duplicates": lambda: self._journal.note(f"  {self.topic.repeat()} records again"),
            "forged": lambda: self._journal.note(f"  {self.topic.forge()} forged records"),
        }
        actions[kind]()

    def _server(self, name: str) -> Server:
        stack = self._world.stack
        servers: dict[str, Server] = {
            "redis": stack.valkey,
            "mysql": stack.mariadb,
            "kafka": stack.kafka,
        }
        return servers[name]

    def _freeze(self, name: str) -> None:
        server = self._server(name)
        if server.running:
            self._frozen[name] = server.pid
            os.kill(server.pid, signal.SIGSTOP)

    def _thaw(self, name: str) -> None:
        pid = self._frozen.pop(name, None)
        if pid:
            self._world.fleet.thaw(pid)

    def _redis(self, *command: str) -> None:
        # A fault that meets a server that is down or frozen is no fault: noted, and passed over.
        try:
            with self._world.redis(TRY_S) as client:
                client.execute_command(*command)
        except RedisError as error:
            self._journal.note(f"  passed over: {type(error).__name__}")

    def _cut_mysql(self) -> None:
        statement = (
            "SELECT id FROM information_schema.processlist "
            "WHERE user = 'seonchak' AND id <> CONNECTION_ID()"
        )
        with (
            suppress(pymysql.Error, OSError),
            closing(self._world.mysql(TRY_S)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            for (number,) in cursor.fetchall():
                with suppress(pymysql.Error):  # gone by itself
                    cursor.execute(f"KILL {number}")

    def _lock_mysql(self, ends_s: float) -> None:
        try:
            connection = self._world.mysql(TRY_S)
        except (pymysql.Error, OSError):
            self._journal.note("  passed over: MySQL does not answer")
            return
        self._at(ends_s, "mysql-locked ends", connection._force_close)  # type: ignore[attr-defined]
        with suppress(pymysql.Error, OSError), connection.cursor() as cursor:
            cursor.execute("LOCK TABLES coupon WRITE, failed_event WRITE, campaign WRITE")

    def _copy_redis(self) -> None:
        copy = self._world.home / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        with suppress(shutil.Error):  # a file of the last rewrite may go away meanwhile
            shutil.copytree(self._world.stack.valkey.home / "appendonlydir", copy)

    def _restore_redis(self) -> None:
        valkey = self._world.stack.valkey
        valkey.kill()
        data = valkey.home / "appendonlydir"
        shutil.rmtree(data)
        shutil.copytree(self._world.home / "copy", data)
        valkey.start()

    def _restart_dead(self, now_s: float) -> None:
        """Start again what died at a point; what was killed stays away for its time."""
        self._held_back = {n: until for n, until in self._held_back.items() if until > now_s}
        if not self._held_back:
            for name in self._world.fleet.start_missing():
                self._journal.note(f"  {name} is started again")

    def _end_all(self) -> None:
        for _, _, what, action in sorted(self._due):
            if "end" in what or "comes back" in what:
                with suppress(Exception):
                    action()
        for name in list(self._frozen):
            self._thaw(name)
        self._world.heal()
