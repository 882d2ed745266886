"""The real poll runner over a backlog that stands in the topic already."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bench.harness import FAILURES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.harness import Figures
    from bench.world import World

BATCH_SIZE = 10_000
BATCH_WINDOW_MS = 50  # the last batch is not full, and waiting for more is no work
IDLE_EXIT_S = 2
TIMEOUT_S = 600


def drained(world: World, backlog: int, processes: int) -> Figures:
    """Run it until nothing more comes; return its rate."""
    log = world.folder / f"poll-runner-{uuid.uuid4().hex[:6]}.log"
    options = (
        f"--batch-size {BATCH_SIZE} --batch-window-ms {BATCH_WINDOW_MS} "
        f"--idle-exit-s {IDLE_EXIT_S} --processes {processes}"
    )
    with log.open("wb") as errors:
        subprocess.run(
            [sys.executable, "-m", "local.poll_runner", *options.split()],
            check=True,
            stderr=errors,
            env=world.environment,
            timeout=TIMEOUT_S,
        )
    lines = log.read_text(encoding="utf-8").splitlines()
    return figures([json.loads(line) for line in lines if line.startswith("{")], backlog)


def figures(lines: Iterable[dict[str, Any]], backlog: int) -> Figures:
    """Return the rate from the first partitions to the last batch, its offsets committed."""
    batches = [line for line in lines if line["message"] == "batch"]
    done = [line for line in batches if line["result"] == "success"]
    started = [line for line in lines if line["message"] == "partitions assigned"]
    written = sum(line["records"] for line in done)
    taken_s = max(map(_time_s, done)) - min(map(_time_s, started))
    return {"per_s": written / taken_s, FAILURES: abs(backlog - written)}


def _time_s(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()
