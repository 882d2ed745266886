"""Many histories, in some worlds side by side."""

from __future__ import annotations

import queue
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import TYPE_CHECKING

from handlers.retry import SetupError
from local.servers import ServerError
from tests.faults.engine import finding, history
from tests.faults.engine.cluster import Cluster, StoppedError
from tests.faults.engine.launcher import LauncherError
from tests.faults.engine.quiet import NO_RESPONSE, NotQuietError
from tests.faults.engine.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local.servers.embedded import KafkaKind
    from tests.faults.engine.finding import Finding
    from tests.faults.engine.history import Result
    from tests.faults.engine.scenario import Scenario

    Left = queue.SimpleQueue[Scenario]

# The topic of a world grows with every history; a new world begins with an empty one.
HISTORIES_PER_WORLD = 100
BROKEN = (ServerError, SetupError, NotQuietError, LauncherError, *NO_RESPONSE)


class Campaign:
    """Plays histories until there are none left, or until `stopping` is set.

    played is called after each, with what was kept of it when it broke a promise.
    """

    def __init__(
        self, kafka: KafkaKind, clusters: int, played: Callable[[Result, Finding | None], None]
    ) -> None:
        self._kafka: KafkaKind = kafka
        self._worlds = clusters
        self._played = played
        self._lock = Lock()
        self.stopping = Event()
        self.tally = Tally(kafka)

    def run(self, histories: Iterable[Scenario]) -> Tally:
        """Play every history; a world in which something broke is not used again."""
        left: Left = queue.SimpleQueue()
        for scenario in histories:
            left.put(scenario)
        started = time.monotonic()
        try:
            with ThreadPoolExecutor(self._worlds) as pool:
                workers = [pool.submit(self._work, left) for _ in range(self._worlds)]
                try:
                    for worker in workers:
                        worker.result()
                except BaseException:
                    self.stopping.set()  # Ctrl-C, or a bug: every world is taken down
                    raise
        finally:
            self.tally.wall_s = time.monotonic() - started
        return self.tally

    def _work(self, left: Left) -> None:
        while not left.empty() and not self.stopping.is_set():
            try:
                with Cluster(self._kafka, self.stopping) as cluster:
                    self._play(cluster, left)
            except StoppedError:
                return
            except BROKEN as error:
                with self._lock:
                    self.tally.broken_worlds.append(f"{type(error).__name__}: {error}")

    def _play(self, cluster: Cluster, left: Left) -> None:
        for _ in range(HISTORIES_PER_WORLD):
            try:
                scenario = left.get_nowait()
            except queue.Empty:
                return
            result = history.run(cluster, scenario)
            found = finding.keep(cluster, result) if result.violations else None
            with self._lock:
                self.tally.results.append(result)
                self._played(result, found)
            if found:
                return
