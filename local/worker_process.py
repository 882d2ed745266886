"""What a worker needs: no signal is lost, none outlives its parent, the collector is spared."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# New objects until the collector looks for cycles among them: about what a batch of records makes,
# some hundreds of requests, and a few milliseconds' work.
GC_OBJECTS = 50_000


def block_signals_during_fork() -> None:
    """Let a stop signal that meets a worker just being born stop it.

    A child starts with its parent's Python handlers, which in the child only set a flag that
    nobody reads, Python forgets a signal that arrives while it forks, and uvloop one that arrives
    before the loop runs. So stop signals wait over the fork, and in the child SIGTERM waits until
    enable_sigterm.

    SIGINT stays held in the child: Ctrl-C reaches every process of a terminal, and a worker
    that is told to stop twice, by it and by its parent, can lock itself up (Granian's handler
    sets a threading.Event, whose lock is not made for a second handler within the first).
    """
    os.register_at_fork(
        before=_hold,
        after_in_parent=_release,
    )


def enable_sigterm(loop: AbstractEventLoop) -> None:
    """Let a worker's SIGTERM through as soon as its loop runs, which has a handler for it."""
    loop.call_soon(signal.pthread_sigmask, signal.SIG_UNBLOCK, {signal.SIGTERM})


def exit_with_parent() -> None:
    """Stop this worker, gracefully, when its parent is gone, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_stop_after, args=(parent,), daemon=True).start()


def freeze_gc() -> None:
    """Keep the garbage collector from walking through all modules again and again.

    What is loaded now stays. Neither requests nor records make cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS)


def _stop_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()  # waits on a pipe that closes with the parent
    os.kill(os.getpid(), signal.SIGTERM)


def _hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
