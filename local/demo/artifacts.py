"""The files that a run writes: metrics, responses and the picture."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from local.demo.metrics import Run
    from local.harness.responses import ApplyResponse

METRICS, RESPONSES, PICTURES = "demo.json", "answers.csv", ("demo.svg", "demo.png")
COLUMNS = ("user", "outcome", "serial", "status", "sent_ms", "latency_ms")


def clear(folder: Path) -> None:
    """Create the folder, and remove an earlier run's files: a failed run must not show them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (METRICS, RESPONSES, *PICTURES):
        (folder / name).unlink(missing_ok=True)


def write(folder: Path, run: Run, metrics: Mapping[str, Any]) -> None:
    """Write all files."""
    # Imported here: until now the demo need not wait for the library of plots.
    from local.demo.plot import draw  # noqa: PLC0415

    text = json.dumps(metrics, indent=2, ensure_ascii=False)
    (folder / METRICS).write_text(f"{text}\n", encoding="utf-8")
    _write_responses(folder / RESPONSES, run.observations.responses)
    draw(run, *(folder / name for name in PICTURES))


def _write_responses(path: Path, responses: Sequence[ApplyResponse]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for r in sorted(responses, key=lambda response: response.latency_s):
            times = (f"{r.sent_s * 1000:.3f}", f"{r.latency_s * 1000:.3f}")
            writer.writerow((r.user, r.outcome, r.serial, r.status, *times))
