"""What the terminal shows: the live table, and what happened to the people."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab.judge.judge import DISTANCE_S
from lab.judge.promises import PROMISES
from lab.texts import text
from lab.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from lab.catalogue import Stage
    from lab.judge.judge import StageOutcome
    from lab.judge.laws import Ruling
    from lab.judge.stage_file import Mistake
    from lab.texts import Language

PIPE_WIDTH = 100
MARKS = {"kept": Text("✓", "green"), "broken": Text("✗", "bold red"), "none": Text("-", "dim")}
RUNNING, WAITING = Text("…", "yellow"), Text("·", "dim")
EVENTS_SHOWN_MAX = 14
# Refreshed when something changes, and this often for the eye.
REFRESH_PER_S = 4


class Screen:
    """The table of promises and stages, filled while the stages are judged."""

    def __init__(self, stages: Sequence[Stage], language: Language) -> None:
        console = Console(highlight=False)
        self.console = (
            console if console.is_terminal else Console(width=PIPE_WIDTH, highlight=False)
        )
        self._stages, self._language = stages, language
        self._cells: dict[tuple[int, str], Text] = {}
        self._lock = threading.Lock()
        self.live = Live(
            self._table(), console=self.console, refresh_per_second=REFRESH_PER_S, transient=True
        )

    def show(self, stage: Stage, promise: str, ruling: Ruling | None) -> None:
        """Fill a cell; None: this promise is being tested now."""
        with self._lock:
            self._cells[stage.number, promise] = MARKS[ruling.state] if ruling else RUNNING
            self.live.update(self._table())

    def finish(self) -> None:
        """Print the table as it is at the end."""
        self.console.print(self._table())

    def say(self, key: str, **values: object) -> None:
        """Print a sentence."""
        self.console.print(text(key, **values)[self._language], markup=False)

    def tell(self, stage: Stage, outcome: StageOutcome, *, in_full: bool) -> None:
        """Print what was broken, to whom, and, in full, what happened to her."""
        language = self._language
        names = outcome.rulings if in_full else [stage.own] if stage.own else []
        for name in names:
            ruling = outcome.rulings[name]
            if ruling.state != "broken":
                continue
            head = Text.assemble(
                ("✗ ", "bold red"),
                (f"{stage.number} {stage.title[language]}: " if not in_full else "", "bold"),
                (text(name)[language], "bold"),
                (f" · {text(f'{name}.fault')[language]} · {ruling.seen[language]}", "dim"),
            )
            parts: list[RenderableType] = [head]
            if outcome.without_distance and name == stage.own:
                seen = outcome.without_distance.seen[language]
                near = text("without_distance", ms=DISTANCE_S * 1000, seen=seen)[language]
                parts.append(Text(f"  {near}", "dim"))
            for breach in ruling.breaches[:1]:
                parts.append(Text(f"  {breach.what[language]}"))
                if in_full:
                    parts.append(self._timeline(outcome, name, breach.user_id))
            self.console.print(Group(*parts))

    def mistake(self, stage: Stage, mistake: Mistake) -> None:
        """Print what is wrong in the stage's file, with the line."""
        where = f"{stage.file.name}:{mistake.line}" if mistake.line else stage.file.name
        sentence = text(mistake.kind, detail=mistake.detail)[self._language]
        lines = [Text.assemble(("✗ ", "bold red"), (where, "bold"), f": {sentence}")]
        if mistake.code:
            lines.append(Text(f"    {mistake.code}", "cyan"))
        self.console.print(Group(*lines))

    def _timeline(self, outcome: StageOutcome, promise: str, user_id: str) -> Table:
        table = Table(box=None, padding=(0, 1), show_header=False)
        events = timeline(outcome.recordings[promise], user_id)
        for event in events[-EVENTS_SHOWN_MAX:]:
            words = event.says[self._language]
            if event.times > 1:
                words = f"{words} (x{event.times})"
            table.add_row(
                Text(f"{event.ms:,.0f} ms", "dim", justify="right"),
                Text(event.actor[self._language], no_wrap=True),
                Text(event.server, "cyan"),
                Text(words, overflow="ellipsis", no_wrap=True),
            )
        return table

    def _table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
        table.add_column(text("promises")[self._language], no_wrap=True)
        for stage in self._stages:
            table.add_column(str(stage.number) if stage.number else stage.file.name)
        for promise in PROMISES:
            cells = [self._cells.get((stage.number, promise), WAITING) for stage in self._stages]
            table.add_row(text(promise)[self._language], *cells)
        return table
