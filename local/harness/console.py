"""The programs' output: steps with a check mark and progress bars, check results at the end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console as RichConsole
from rich.console import Group
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from local.harness.invariants import Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from handlers.retry import Report
    from local.harness.invariants import CheckResult

# The widest step, so that the times are in one column.
STEP_WIDTH = 26
# A pipe has no terminal width; this is enough for the summary's lines.
PIPE_WIDTH = 100
# The terminal's own green and red; the marks mean the same without colour.
KEPT, BROKEN = Text("✓", "green"), Text("✗", "bold red")
COLOURS = {Verdict.KEPT: "green", Verdict.LATE: "yellow", Verdict.BROKEN: "red"}


class Console:
    """Standard output: live progress on a terminal, plain lines on a pipe."""

    def __init__(self, console: RichConsole | None = None) -> None:
        self.console = console or _console()

    def say(self, line: str) -> None:
        """Print one line of minor importance."""
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
        """Show a bar while the block runs; call the yielded function with the amount done."""
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


def results_panel(
    title: str,
    parts: Iterable[RenderableType],
    results: Sequence[CheckResult],
    lateness: Sequence[str] = (),
) -> RenderableType:
    """Return a frame around `parts`, the promises, and a sentence saying whether all were kept."""
    found = verdict(results, lateness)
    colour = COLOURS[found]
    sentence = "Every promise was kept."
    if found is Verdict.BROKEN:
        sentence = "Broken: not every promise was kept."
    elif found is Verdict.LATE:
        sentence += f"\nLate, and nothing was lost: {'; '.join(lateness)}."
    return Panel(
        Group(*parts, "", promises(results), "", Text(sentence, f"bold {colour}")),
        title=title,
        title_align="left",
        border_style=colour,
        box=box.ROUNDED,
        padding=(1, 2),
        expand=False,
    )


def facts(title: str, pairs: Sequence[tuple[str, object]]) -> Table:
    """Return names and values under a title."""
    table = Table(box=None, show_header=True, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column(title, no_wrap=True)
    table.add_column("", justify="right", style="bold", no_wrap=True)
    for name, value in pairs:
        table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    return table


def promises(results: Iterable[CheckResult]) -> Table:
    """Return one line for each promise: kept or not, what was seen, and the differences."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for result in results:
        seen = Text.assemble((result.seen, "dim"))
        for difference in result.differences:
            seen.append(f"\n{difference}", "red")
        table.add_row(KEPT if result.kept else BROKEN, result.promise, seen)
    return table
