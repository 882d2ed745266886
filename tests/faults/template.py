"""Starts the service's programs by forking a process that has already imported everything.

    python -m tests.faults.template

A history restarts programs all the time, and imports are nearly all of the work of a start.
Reads one JSON object a line: what to run, with which environment, and its log file;
prints the process id. When its input ends, all programs that it has started end too.
"""

from __future__ import annotations

import gc
import json
import os
import random
import select
import signal
import sys
import traceback
from contextlib import suppress
from typing import Any

# What every program imports, before the first fork.
from handlers import consume, rebuild, redrive, relay
from handlers.adapters.kafka import publisher
from handlers.adapters.kafka import topic_reader as topic
from handlers.adapters.mysql import direct_writer, ledger
from handlers.adapters.redis import client as redis_client
from local import scheduler, serve
from local.gateway import app as gateway
from local.poll_runner import run as poll_runner
from tests.faults import entry

IMPORTED = (
    *(consume, rebuild, redrive, relay, ledger, direct_writer, publisher, redis_client, topic),
    *(gateway, scheduler, serve, poll_runner),
)
# How soon an ended child is reaped; until then the engine takes it for alive.
REAP_S = 0.05


def main() -> int:
    """Fork on request until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the engine, which then stops this
    gc.freeze()  # otherwise a child's collections would copy the shared memory
    alive: set[int] = set()
    commands = os.fdopen(os.dup(sys.stdin.fileno()), "r", buffering=1)
    while True:
        ready, _, _ = select.select([commands], [], [], REAP_S)
        _reap(alive)
        if not ready:
            continue
        line = commands.readline()
        if not line:
            break
        pid = _start(json.loads(line))
        alive.add(pid)
        print(pid, flush=True)  # noqa: T201 - the reply
    for pid in alive:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    return 0


def _reap(alive: set[int]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            alive.discard(ended)


def _start(command: dict[str, Any]) -> int:
    ready, done = os.pipe()
    pid = os.fork()
    if pid:
        os.close(done)
        os.read(ready, 1)  # wait until its group exists before its id is reported
        os.close(ready)
        return pid
    code = 1
    try:
        os.setsid()
        os.close(ready)
        os.close(done)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        random.seed()  # otherwise all children would draw the same random numbers
        _redirect(command["log"])
        os.environ.clear()
        os.environ.update(command["environment"])
        sys.argv = [command["module"], *command["arguments"]]
        code = entry.run(command["role"], command["module"], command["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - a child must never return into the parent's loop
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _redirect(log: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)


if __name__ == "__main__":
    sys.exit(main())
