"""What the demo shows while it works: steps with a check mark, bars while a crowd is answered."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.retry import Report

# The widest step, so that the times stand in one column.
STEP_WIDTH = 26
# On a pipe there is no terminal to ask; enough for the summary's lines.
PIPE_WIDTH = 100


class Console:
    """Standard output: a moving picture on a terminal, plain lines on a pipe."""

    def __init__(self, console: RichConsole | None = None) -> None:
        self.console = console or _console()

    def say(self, line: str) -> None:
        """Print one line of small importance."""
        self.console.print(line, style="dim", highlight=False, markup=False)

    @contextmanager
    def step(self, name: str) -> Iterator[Report]:
        """Show `name` while the block runs, and its time when it is done."""
        started = time.perf_counter()
        with self.console.status(f"{name} …") as status:
            yield lambda line: status.update(f"{name}: {line}")
        self._done(name, time.perf_counter() - started)

    @contextmanager
    def bar(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar while the block runs; what it yields is told how much is done by now."""
        started = time.perf_counter()
        columns = TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn()
        progress = Progress(
            *columns,
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,  # a pipe would get its empty lines
        )
        with progress:
            task = progress.add_task(f"{name:<{STEP_WIDTH}}", total=total)
            yield lambda done: progress.update(task, completed=done)
        self._done(name, time.perf_counter() - started)

    def _done(self, name: str, seconds: float) -> None:
        line = f"[green]✓[/green] {name:<{STEP_WIDTH}} [dim]{seconds:5.1f} s[/dim]"
        self.console.print(line, highlight=False)


def _console() -> RichConsole:
    console = RichConsole()
    return console if console.is_terminal else RichConsole(width=PIPE_WIDTH)
