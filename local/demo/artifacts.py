"""The files that a run leaves: figures, answers and the picture."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from local.demo.plot import draw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from local.demo.metrics import Run
    from local.harness.responses import ApplyResponse

FIGURES, ANSWERS, PICTURES = "demo.json", "answers.csv", ("demo.svg", "demo.png")
COLUMNS = ("user", "outcome", "serial", "status", "sent_ms", "latency_ms")


def clear(folder: Path) -> None:
    """Make the folder, and remove an earlier run's files: a failed run must not show them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (FIGURES, ANSWERS, *PICTURES):
        (folder / name).unlink(missing_ok=True)


def write(folder: Path, run: Run, metrics: Mapping[str, Any]) -> None:
    """Write all files."""
    text = json.dumps(metrics, indent=2, ensure_ascii=False)
    (folder / FIGURES).write_text(f"{text}\n", encoding="utf-8")
    _write_answers(folder / ANSWERS, run.evidence.responses)
    draw(run, *(folder / name for name in PICTURES))


def _write_answers(path: Path, answers: Sequence[ApplyResponse]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for a in sorted(answers, key=lambda answer: answer.latency_s):
            times = (f"{a.sent_s * 1000:.3f}", f"{a.latency_s * 1000:.3f}")
            writer.writerow((a.user, a.outcome, a.serial, a.status, *times))
