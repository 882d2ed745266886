"""Granian's main process, which replaces each worker that ends, however often.

Granian itself gives up where a worker ends twice within 5.5 s: it stops the workers that serve as
well, each for as long as its requests take. Here the others go on. Only where no worker comes to
stay does the process end, with code 1, so that whatever has started it starts it again.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from granian.server.mp import MPServer

from local.json_log import log_event

# How often workers and signals are looked at.
LOOK_S = 0.1
# A worker that fails at its start is not started again sooner than this after its last start.
PAUSE_S = 1.0
# A start takes some 0.3 s, on a busy machine a few seconds. A worker of this age serves.
SETTLED_S = 5.0
# So many starts in a row of which no worker came to stay: the next one will not do so either.
FAILED_STARTS_MAX = 5
# Beyond the time that Granian gives each worker to end.
END_MARGIN_S = 5.0
EXIT_NO_WORKER = 1


class GatewayServer(MPServer):
    """Granian, with another way of watching its workers. Its other arguments are Granian's."""

    _failed_starts = 0

    def signal_handler_interrupt(self, *_args: Any, **_kwargs: Any) -> None:
        """Note a stop signal; the loop looks.

        Granian sets an event. A thread that is interrupted while it waits for an event may have
        its lock, and then it waits for itself.
        """
        self.interrupt_signal = True

    def signal_handler_reload(self, *_args: Any, **_kwargs: Any) -> None:
        """Note SIGHUP, in the same way.

        Granian then replaces each worker and waits until the old one has ended: up to 35 s each, in
        which no other worker is replaced and no stop signal is looked at. It would be for nothing.
        A new worker is a copy of this process, with the code and the settings of its start.
        """
        self.reload_signal = True

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        while not self.interrupt_signal:
            time.sleep(LOOK_S)
            if self.reload_signal:
                self.reload_signal = False
                log_event("WARNING", "SIGHUP has no effect: a new start reads code and settings")
            if not self._replace_ended(spawn_target, target_loader):
                log_event("CRITICAL", "no worker comes to stay", starts=self._failed_starts)
                return

    def _spawn_worker(self, *args: Any, **kwargs: Any) -> Any:
        """Return a worker that no thread here watches.

        A watcher writes to the log, and a process that is forked meanwhile has the lock of that for
        ever. A note of a watcher may be lost, and then its worker is never replaced.
        """
        worker = super()._spawn_worker(*args, **kwargs)
        worker.interrupt_by_parent = True  # the watcher takes its end for intended
        return worker

    def _replace_ended(self, spawn_target: Any, target_loader: Any) -> bool:
        """Start workers in the place of those that ended; return False where that is no use."""
        now = time.monotonic()
        ended = [worker for worker in self.wrks if not worker.is_alive()]
        alive = [worker for worker in self.wrks if worker not in ended]
        if any(now - worker.birth >= SETTLED_S for worker in alive):
            self._failed_starts = 0
        if not alive and self._failed_starts >= FAILED_STARTS_MAX:
            return False
        for worker in ended:
            if now - worker.birth >= PAUSE_S:
                log_event("ERROR", "a worker ended", code=worker.inner.exitcode)
                self._failed_starts += 1
                self._replace(worker, spawn_target, target_loader)
        return True

    def _replace(self, ended: Any, spawn_target: Any, target_loader: Any) -> None:
        place = self.wrks.index(ended)
        worker = self._spawn_worker(
            idx=ended.idx, target=spawn_target, callback_loader=target_loader
        )
        try:
            worker.start()
        except OSError as error:  # no memory, or no process, for now
            log_event("ERROR", "a worker cannot be started", reason=error.strerror or str(error))
            ended.birth = time.monotonic()  # the next try is PAUSE_S from now
        else:
            self.wrks[place] = worker

    def shutdown(self, exit_code: int = 0) -> None:
        """Stop the workers; end in any case, a little after the time that they have for it."""
        if not self.interrupt_signal:
            exit_code = EXIT_NO_WORKER
        limit_s = (self.workers_kill_timeout or 0) + END_MARGIN_S
        # Workers that outlive this process end by themselves (exit_with_parent).
        end = threading.Timer(limit_s, os._exit, (EXIT_NO_WORKER,))
        end.daemon = True
        end.start()
        super().shutdown(exit_code)
