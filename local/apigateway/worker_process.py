"""What a forked worker needs so that no signal is lost and none outlives its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def keep_signals_across_forks() -> None:
    """Let a stop signal that meets a worker just being born stop it.

    A child starts with its parent's Python handlers, which in the child only set a flag that
    nobody reads, and Python forgets a signal that arrives while it forks. So stop signals wait
    over the fork, and the child meets SIGTERM with the system's default until it sets its own.

    SIGINT stays held in the child: Ctrl-C reaches every process of a terminal, and a worker
    that is told to stop twice, by it and by its parent, can lock itself up (Granian's handler
    sets a threading.Event, whose lock is not made for a second handler within the first).
    """
    os.register_at_fork(
        before=_hold,
        after_in_parent=_release,
        after_in_child=_start_afresh,
    )


def die_with_parent() -> None:
    """Stop this worker, gracefully, when its parent is gone, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_stop_after, args=(parent,), daemon=True).start()


def _stop_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()  # waits on a pipe that closes with the parent
    os.kill(os.getpid(), signal.SIGTERM)


def _hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _start_afresh() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
