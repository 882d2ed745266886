"""Many histories, on several clusters in parallel."""

from __future__ import annotations

import queue
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import TYPE_CHECKING

from handlers.retry import SetupError
from local.servers import ServerError
from tests.faults.engine import finding, history, window
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
    from tests.faults.engine.servers import RedisKind

    Remaining = queue.SimpleQueue[Scenario]

# The topic of a cluster grows with every history; a new cluster starts with an empty one.
HISTORIES_PER_CLUSTER = 100
BROKEN = (ServerError, SetupError, NotQuietError, LauncherError, *NO_RESPONSE)


class Campaign:
    """Plays all histories, or stops once `stopping` is set.

    `played` is called after each, with the saved finding when it broke a promise.
    """

    def __init__(
        self,
        kafka: KafkaKind,
        clusters: int,
        played: Callable[[Result, Finding | None], None],
        redis_kind: RedisKind = "single",
    ) -> None:
        self._kafka: KafkaKind = kafka
        self._redis_kind: RedisKind = redis_kind
        self._cluster_count = clusters
        self._played = played
        self._lock = Lock()
        self.stopping = Event()
        self.tally = Tally(kafka)

    def run(self, histories: Iterable[Scenario]) -> Tally:
        """Play every history; a cluster in which something broke is not used again."""
        remaining: Remaining = queue.SimpleQueue()
        for scenario in histories:
            remaining.put(scenario)
        started = time.monotonic()
        try:
            with ThreadPoolExecutor(self._cluster_count) as pool:
                workers = [pool.submit(self._work, remaining) for _ in range(self._cluster_count)]
                try:
                    for worker in workers:
                        worker.result()
                except BaseException:
                    self.stopping.set()  # Ctrl-C, or a bug: every cluster is stopped
                    raise
        finally:
            self.tally.wall_s = time.monotonic() - started
        return self.tally

    def _work(self, remaining: Remaining) -> None:
        while not remaining.empty() and not self.stopping.is_set():
            try:
                with Cluster(self._kafka, self.stopping, self._redis_kind) as cluster:
                    self._play(cluster, remaining)
            except StoppedError:
                return
            except BROKEN as error:
                with self._lock:
                    self.tally.broken_clusters.append(f"{type(error).__name__}: {error}")

    def _play(self, cluster: Cluster, remaining: Remaining) -> None:
        for _ in range(HISTORIES_PER_CLUSTER):
            try:
                scenario = remaining.get_nowait()
            except queue.Empty:
                return
            result = history.run(cluster, scenario)
            window.excuse(result)
            found = finding.save(cluster, result) if result.violations else None
            with self._lock:
                self.tally.results.append(result)
                self._played(result, found)
            if found:
                return
