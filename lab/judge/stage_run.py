"""A stage with its processes: two app servers, a consumer, a clock. Scenarios are played on it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.judge.journal import in_order, read
from lab.judge.recording import Recording
from lab.judge.stage_file import MistakeError, of_table
from lab.judge.world import TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from lab.judge.journal import Journal
    from lab.judge.presses import Press
    from lab.judge.team import Member, Team
    from lab.judge.world import World

# From the command to the moment when all press: the threads have to be there.
ASSEMBLE_S = 0.15
# Work that is under way shows itself within this time; where there is a clock, it ticks every
# second, and what is pending for a second is sent again.
STILL_S = 1.2
STILL_WITH_CLOCK_S = 2.6
POLL_S = 0.05
SETTLE_S_MAX = 12.0


class StageRun:
    """The processes of one stage on the servers of the lab."""

    def __init__(self, world: World, team: Team, lab: Journal, folder: Path) -> None:
        """lab: where the lab notes what it does itself; folder: of all journals."""
        self.world, self.team, self.lab = world, team, lab
        world.clear([])  # of the stage before
        self._folder = folder
        self.apps = [team.start("app 1"), team.start("app 2")]
        self.consumer, clock = team.start("consumer"), None
        for app in self.apps:
            app.ask("warm_up")
        for app in self.apps:
            app.answer()
        self.traits = self.apps[0].call("traits")
        if self.traits.has_clock:
            clock = team.start("clock")
        self._clock: Member | None = clock
        self._still_s = STILL_WITH_CLOCK_S if clock else STILL_S
        self.began_s = 0.0

    @contextmanager
    def scenario(self) -> Iterator[None]:
        """Begin with empty servers; consumer and clock run inside the block."""
        try:
            self.world.clear(self.traits.tables)
            if self.traits.tables is None:
                self.apps[0].call("prepare")
            self.world.rows()
        except TableError as error:
            raise MistakeError(of_table(error.args[0], error, self.team.stage)) from error
        self.began_s = time.monotonic()
        with self.serving():
            yield

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run consumer and clock inside the block, on what is there."""
        self.begin_delivery(self.world.ends())
        if self._clock:
            self._clock.call("tick")
        yield
        self.end_delivery()
        if self._clock:
            self._clock.call("stop")

    def begin_delivery(self, begin: dict[int, int]) -> None:
        """Let the consumer deliver from these offsets on."""
        self.consumer.call("deliver", begin, 0)

    def end_delivery(self) -> None:
        """Stop the consumer after its batch."""
        self.consumer.call("stop")

    def press(self, user_ids: Sequence[str], spacing_s: float = 0) -> list[Press]:
        """Let people press at once, or one every `spacing_s`, on both app servers."""
        start_at_s = time.monotonic() + ASSEMBLE_S
        for number, app in enumerate(self.apps):
            chosen = list(user_ids[number :: len(self.apps)])
            app.ask("press_all", chosen, start_at_s, spacing_s * len(self.apps))
        return [press for app in self.apps for press in app.answer()]

    def settle(self, is_done: Callable[[Sequence[str]], bool]) -> list[str]:
        """Wait until the rows are as they should be, or nothing moves any more; return the rows."""
        deadline, still_since, before = time.monotonic() + SETTLE_S_MAX, time.monotonic(), None
        while time.monotonic() < deadline:
            state, rows = self.world.state(), self.world.rows()
            if state != before:
                before, still_since = state, time.monotonic()
            if is_done(rows) and self.world.committed() == self.world.ends():
                break
            if time.monotonic() > still_since + self._still_s:
                break
            time.sleep(POLL_S)
        return self.world.rows()

    def recording(
        self, presses: Sequence[Press], rows: Sequence[str], struck: Sequence[str] = ()
    ) -> Recording:
        """Return the recording of the scenario that has just ended."""
        calls = [call for call in in_order(read(self._folder)) if call.at_s >= self.began_s]
        return Recording(self.began_s, presses, rows, calls, struck)
