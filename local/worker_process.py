"""Helpers for worker processes: lose no signal, end with the parent, freeze the collector."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# New objects before a collection: about as many as one batch of records or some hundreds of
# requests create; a collection then takes a few milliseconds.
GC_OBJECTS = 50_000


def fork_workers() -> None:
    """Fork the workers on Linux, whatever Python's default is, and lose no stop signal meanwhile.

    Python 3.14 starts processes through a fork server. Granian then spawns new interpreters
    instead, which import everything once more, inherit no open lock file (CpuAffinity), and do not
    run the hooks below. macOS keeps its default: its system libraries do not survive a fork.

    A child starts with its parent's Python handlers, which in the child only set a flag that no
    code reads. Python loses a signal that arrives while it forks, and uvloop one that arrives
    before the loop runs. So stop signals are blocked during the fork, and in the child SIGTERM is
    blocked until enable_sigterm.

    SIGINT stays blocked in the child: Ctrl-C reaches every process of a terminal, and a worker
    that gets two stop signals, this one and its parent's, can deadlock (Granian's handler
    sets a threading.Event, whose lock cannot be taken again by a second, nested handler).
    """
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork", force=True)
    os.register_at_fork(
        before=_block_signals,
        after_in_parent=_unblock_signals,
    )


def enable_sigterm(loop: AbstractEventLoop) -> None:
    """Unblock a worker's SIGTERM as soon as its loop, which has a handler for it, runs."""
    loop.call_soon(signal.pthread_sigmask, signal.SIG_UNBLOCK, {signal.SIGTERM})


def exit_with_parent() -> None:
    """Stop this worker gracefully when its parent has ended, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_stop_after, args=(parent,), daemon=True).start()


def freeze_gc() -> None:
    """Keep the garbage collector from scanning all modules in every collection.

    All objects loaded now stay. Neither requests nor records create cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS)


def _stop_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()  # waits on a pipe that closes with the parent
    os.kill(os.getpid(), signal.SIGTERM)


def _block_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def _unblock_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
