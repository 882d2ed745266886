"""Executes a scenario: each fault at its time, with a note in the journal."""

from __future__ import annotations

import heapq
import itertools
import time
from contextlib import suppress
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from tests.faults.engine.effects import Effects
from tests.faults.engine.scenario import AFTER_LOAD, LOSES_AT_END, NEW_EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.engine.actors import Actors
    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.journal import Journal
    from tests.faults.engine.scenario import Fault, Scenario
    from tests.faults.engine.topic import TopicWriter

RESTART_POLL_INTERVAL_S = 0.1
MOVE_RETRY_S = 0.3


class Injector:
    """Runs beside the load, in one thread: starts and ends faults, restarts dead programs."""

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
        self._scenario = scenario
        self._turn = itertools.count()
        self._due: list[tuple[float, int, str, Callable[[], None]]] = []
        self._lasting: list[Fault] = []
        self._down: dict[str, float] = {}
        # The last fault that began another history of Redis, and when (time.monotonic()).
        self.last_loss: tuple[str, float] | None = None
        self.is_through = Event()  # all have begun, and those that last have ended
        self._effects = Effects(cluster, scenario, campaign_id, journal, actors)

    @property
    def topic(self) -> TopicWriter:
        """The writer of the topic, which knows what it wrote."""
        return self._effects.topic

    @property
    def passed_over(self) -> set[Fault]:
        """The faults that found no server which they could strike."""
        return self._effects.passed_over

    def run(self, is_over: Event) -> None:
        """Inject all faults; restart dead programs until `is_over`; then heal the cluster."""
        started = time.monotonic()
        for fault in self._scenario.faults:
            self._at(fault.at_s, f"{fault}", partial(self._begin, fault, is_over))
        try:
            while self._due:
                due_s, _, what, action = self._due[0]
                wait_s = due_s - (time.monotonic() - started)
                if wait_s > 0:
                    self._cluster.pause(min(wait_s, RESTART_POLL_INTERVAL_S))
                    self._restart_dead(time.monotonic() - started)
                    continue
                heapq.heappop(self._due)
                self._journal.note(what)
                action()
            self.is_through.set()
            while not is_over.is_set():
                self._cluster.pause(RESTART_POLL_INTERVAL_S)
                self._restart_dead(time.monotonic() - started)
        finally:
            self.is_through.set()
            self._end_all()

    def _at(self, due_s: float, what: str, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (due_s, next(self._turn), what, action))

    def _begin(self, fault: Fault, is_over: Event) -> None:
        ends_s = fault.at_s + fault.for_s
        if fault.kind == "kill":
            self._down[fault.target] = ends_s
        began = time.monotonic()
        if fault.kind == AFTER_LOAD:
            is_over.wait()  # the load bounds its own time
            return
        self._effects.begin(fault)
        self._note_loss(fault, began, is_end=False)
        if fault.lasts:
            self._lasting.append(fault)
            self._at(ends_s, f"{fault.kind} ends", partial(self._end, fault, is_over, ends_s))

    def _end(self, fault: Fault, is_over: Event, due_s: float) -> None:
        self._lasting.remove(fault)
        began = time.monotonic()
        self._effects.end(fault)
        self._note_loss(fault, began, is_end=True)
        if fault.kind == "shard-move" and self._effects.is_moving and not is_over.is_set():
            self._lasting.append(fault)
            self.passed_over.discard(fault)
            again_s = due_s + MOVE_RETRY_S
            self._at(again_s, "the move goes on", partial(self._end, fault, is_over, again_s))

    def _note_loss(self, fault: Fault, began: float, *, is_end: bool) -> None:
        if fault in self.passed_over or fault.kind not in NEW_EPOCH:
            return
        if (fault.kind in LOSES_AT_END) == is_end:
            self.last_loss = fault.name, began

    def _restart_dead(self, now_s: float) -> None:
        """Restart what died at a point; what was killed stays down for its time."""
        self._down = {n: end_s for n, end_s in self._down.items() if end_s > now_s}
        if not self._down:
            for name in self._cluster.fleet.start_missing():
                self._journal.note(f"  {name} is started again")

    def _end_all(self) -> None:
        for fault in list(self._lasting):
            with suppress(Exception):
                self._effects.end(fault)
        self._effects.close()
        self._cluster.heal()
