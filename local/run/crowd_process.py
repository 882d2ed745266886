"""The crowd as this program sees it: a process of its own, and its result in a file."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from local.demo.summary import summary
from local.harness.invariants import CheckResult, Verdict
from local.harness.processes import Program, Running, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from local.harness.deployment import Deployment
    from local.run.options import RunOptions

RESULT = "crowd.json"


@dataclass(frozen=True, slots=True)
class CrowdResult:
    """Whether every promise to the crowd was kept, and the summary to print."""

    was_kept: bool
    text: RenderableType


class CrowdProcess:
    """A running crowd."""

    def __init__(self, process: Running, file: Path) -> None:
        self._process = process
        self._file = file

    def result(self) -> CrowdResult | None:
        """Return the result, None while it runs; raise HarnessError where it ended without one."""
        if self._process.exit_code is None:
            return None
        if not self._file.exists():
            self._process.check()
        record = json.loads(self._file.read_text(encoding="utf-8"))
        results = [
            CheckResult(each["promise"], each["seen"], tuple(each["differences"]))
            for each in record["promises"]
        ]
        text = summary(record, results, record["late"])
        note = Text(record["note"], "dim")
        return CrowdResult(record["verdict"] != Verdict.BROKEN, Group(text, note) if note else text)


@contextmanager
def running_crowd(
    options: RunOptions, deployment: Deployment, campaign_id: str, wait_s: float
) -> Iterator[CrowdProcess | None]:
    """Let --people wait for the opening, in their own process; None without any."""
    file = options.out / RESULT
    file.unlink(missing_ok=True)  # of an earlier run
    if not options.people:
        yield None
        return
    words = {
        "--campaign": campaign_id,
        "--people": options.people,
        "--port": deployment.api.port,
        "--wait-s": wait_s,
        "--result": file.resolve(),
    }
    arguments = tuple(str(word) for pair in words.items() for word in pair)
    program = Program("crowd", "local.run.crowd", arguments, options.out / "logs" / "crowd.log")
    with running([program], deployment.environment) as [process]:
        yield CrowdProcess(process, file)
