"""The real poll runner over a backlog that is already in the topic."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from bench.harness import FAILURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.cluster import Cluster
    from bench.harness import Metrics

BATCH_SIZE = 10_000
BATCH_WINDOW_MS = 50  # the last batch is not full, and waiting for more is not work
IDLE_EXIT_S = 2
TIMEOUT_S = 600
KIB_PER_MB = 1000  # getrusage counts in KiB on Linux


def drained(cluster: Cluster, backlog: int, processes: int) -> Metrics:
    """Run it until no record comes any more; return its rate and its resource usage."""
    log = cluster.folder / f"poll-runner-{uuid.uuid4().hex[:6]}.log"
    options = (
        f"--batch-size {BATCH_SIZE} --batch-window-ms {BATCH_WINDOW_MS} "
        f"--idle-exit-s {IDLE_EXIT_S} --processes {processes}"
    )
    with log.open("wb") as errors:
        usage = _run(
            [sys.executable, "-m", "local.poll_runner", *options.split()],
            errors,
            cluster.environment,
        )
    lines = log.read_text(encoding="utf-8").splitlines()
    return {
        **figures([json.loads(line) for line in lines if line.startswith("{")], backlog),
        "cpu_us_per_record": (usage.ru_utime + usage.ru_stime) / backlog * 1e6,
        "rss_mb_of_a_process": usage.ru_maxrss / KIB_PER_MB,
    }


def _run(command: Sequence[str], errors: IO[bytes], environment: Mapping[str, str]) -> Any:
    """Run to the end; return the usage of it and its processes; memory is the largest one's."""
    process = subprocess.Popen(command, stderr=errors, env=environment)
    ended: list[Any] = []
    waiting = threading.Thread(target=lambda: ended.extend(os.wait4(process.pid, 0)), daemon=True)
    waiting.start()
    waiting.join(TIMEOUT_S)
    if not ended:
        process.kill()
        raise subprocess.TimeoutExpired(command, TIMEOUT_S)
    _, status, usage = ended
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage


def figures(lines: Iterable[dict[str, Any]], backlog: int) -> Metrics:
    """Return the rate from the first assignment to the last batch, its offsets committed."""
    batches = [line for line in lines if line["message"] == "batch"]
    done = [line for line in batches if line["result"] == "success"]
    started = [line for line in lines if line["message"] == "partitions assigned"]
    written = sum(line["records"] for line in done)
    taken_s = max(map(_time_s, done)) - min(map(_time_s, started))
    return {
        "per_s": written / taken_s,
        "seconds": taken_s,
        FAILURES: abs(backlog - written),
    }


def _time_s(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()
