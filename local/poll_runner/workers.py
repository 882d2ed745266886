"""Several poll runners as one command: they share the partitions, and end together."""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from local.worker_process import exit_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import SpawnProcess

EXIT_WORKER_LOST = 1  # of the command, when a signal that the command did not send ended one


class Workers:
    """Processes that do the same work; when one fails, the others are stopped."""

    def __init__(self, count: int, work: Callable[..., int], *arguments: Any) -> None:
        # Spawned, not forked: a fork would share open connections and threads.
        context = multiprocessing.get_context("spawn")
        self._processes = [
            context.Process(target=_worker, args=(work, *arguments)) for _ in range(count)
        ]
        self._stopping = False

    def run(self) -> int:
        """Run until all have ended; return 0, or the exit code of the first that failed.

        SIGTERM and Ctrl-C are passed on as SIGTERM. Ctrl-C reaches a whole terminal, so the
        workers ignore it, from before their first line on.
        """
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in self._processes:
            process.start()
        signal.signal(signal.SIGINT, self._stop)
        if self._stopping:  # a signal between two starts reached only some of them
            self._stop()
        return self._wait()

    def _wait(self) -> int:
        code = 0
        running: dict[object, SpawnProcess] = {each.sentinel: each for each in self._processes}
        while running:
            for sentinel in wait([each.sentinel for each in running.values()]):
                process = running.pop(sentinel)
                process.join()
                # A worker that is stopped before its handlers are set ends by the signal itself.
                stopped = self._stopping and process.exitcode == -signal.SIGTERM
                if process.exitcode and not stopped:
                    code = code or (process.exitcode if process.exitcode > 0 else EXIT_WORKER_LOST)
                    self._stop()
        return code

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for process in self._processes:
            if process.pid is not None:
                process.terminate()


def _worker(work: Callable[..., int], *arguments: Any) -> None:
    exit_with_parent()
    raise SystemExit(work(*arguments))
