"""Many histories, in some worlds side by side."""

from __future__ import annotations

import queue
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import TYPE_CHECKING

from local.servers import ServerError
from local.waiting import SetupError
from tests.faults.engine import history
from tests.faults.engine.draw import draw
from tests.faults.engine.quiet import NO_ANSWER, NotQuietError
from tests.faults.engine.tally import Tally
from tests.faults.engine.world import StoppedError, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local.embedded import KafkaKind
    from tests.faults.engine.history import Result

# The topic of a world grows with every history; a new world begins with an empty one.
HISTORIES_PER_WORLD = 100
BROKEN = (ServerError, SetupError, NotQuietError, *NO_ANSWER)


class Campaign:
    """Plays histories until there are none left, or until `stopping` is set."""

    def __init__(self, kafka: KafkaKind, worlds: int) -> None:
        self._kafka: KafkaKind = kafka
        self._worlds = worlds
        self._lock = Lock()
        self.stopping = Event()
        self.tally = Tally(kafka)

    def run(self, seeds: Iterable[int], report: Callable[[Result, list[str]], None]) -> Tally:
        """Play every seed; a world in which something broke is not used again."""
        left: queue.SimpleQueue[int] = queue.SimpleQueue()
        for seed in seeds:
            left.put(seed)
        started = time.monotonic()
        try:
            with ThreadPoolExecutor(self._worlds) as pool:
                workers = [pool.submit(self._work, left, report) for _ in range(self._worlds)]
                try:
                    for worker in workers:
                        worker.result()
                except BaseException:
                    self.stopping.set()  # Ctrl-C, or a bug: every world is taken down
                    raise
        finally:
            self.tally.wall_s = time.monotonic() - started
        return self.tally

    def _work(
        self, left: queue.SimpleQueue[int], report: Callable[[Result, list[str]], None]
    ) -> None:
        while not left.empty() and not self.stopping.is_set():
            try:
                with World(self._kafka, self.stopping) as world:
                    self._play(world, left, report)
            except StoppedError:
                return
            except BROKEN as error:
                with self._lock:
                    self.tally.broken_worlds.append(f"{type(error).__name__}: {error}")

    def _play(
        self,
        world: World,
        left: queue.SimpleQueue[int],
        report: Callable[[Result, list[str]], None],
    ) -> None:
        for _ in range(HISTORIES_PER_WORLD):
            try:
                seed = left.get_nowait()
            except queue.Empty:
                return
            result = history.run(world, draw(seed, self._kafka))
            with self._lock:
                self.tally.results.append(result)
                report(result, world.fleet.log_tails() if result.violations else [])
            if result.violations:
                return
