"""Judges one stage: plays every scenario on it, and asks the laws."""

from __future__ import annotations

import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lab.judge.journal import Journal
from lab.judge.laws import not_concerned
from lab.judge.promises import LANES, PROMISES
from lab.judge.stage_run import StageRun
from lab.judge.team import Team, import_clients
from lab.judge.worker import Folders
from lab.judge.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lab.judge.laws import Ruling
    from lab.judge.promises import Scenario
    from lab.judge.recording import Recording

    Show = Callable[[str, Ruling | None], None]

# The servers are this far away from the app, as in a data centre. It opens the window of a race.
DISTANCE_S = 0.002


@dataclass(slots=True)
class StageOutcome:
    """All rulings on one stage, each with its recording where there is one."""

    seconds: float = 0.0
    rulings: dict[str, Ruling] = field(default_factory=dict)
    recordings: dict[str, Recording] = field(default_factory=dict)
    # The stage's race, where it has one, on servers that are not far away.
    without_distance: Ruling | None = None

    @property
    def broken(self) -> set[str]:
        """The promises that the stage broke."""
        return {name for name, ruling in self.rulings.items() if ruling.state == "broken"}


@contextmanager
def running_worlds() -> Iterator[Sequence[World]]:
    """Run the servers of all lanes inside the block; they start side by side."""
    worlds = [World() for _ in LANES]
    try:
        with ThreadPoolExecutor() as pool:
            starts = [pool.submit(world.start) for world in worlds]
            import_clients()  # meanwhile
        for start in starts:
            start.result()
        yield worlds
    finally:
        for world in worlds:
            world.remove()


class Judge:
    """Judges stages on two sets of servers."""

    def __init__(self, worlds: Sequence[World], logs: Path) -> None:
        """Take two sets of servers, and a folder for what the processes of the stages print."""
        self._worlds, self._logs = worlds, logs

    def judge(self, stage: Path, show: Show, race: str = "") -> StageOutcome:
        """Return the rulings; `show` gets each promise when it is tested, and its ruling after.

        race: a promise of the burst that is broken by a race; it is looked at without the distance
        of the servers, too. Raises MistakeError when the stage's file is wrong.
        """
        began, outcome = time.perf_counter(), StageOutcome()
        self._play_lanes(stage, outcome, show)
        outcome.rulings = {name: outcome.rulings[name] for name in PROMISES}
        if race:
            with self._playing(self._worlds[0], stage, [], distance_s=0) as run:
                recording = LANES[0][0].play(run)
            outcome.without_distance = next(
                law(recording) for law in LANES[0][0].laws if law.__name__ == race
            )
        outcome.seconds = time.perf_counter() - began
        return outcome

    def _play_lanes(self, stage: Path, outcome: StageOutcome, show: Show) -> None:
        teams: list[Team] = []
        burst_is_over = threading.Event()

        def play(world: World, lane: Sequence[Scenario]) -> None:
            try:
                with self._playing(world, stage, teams) as run:
                    if lane is not LANES[0]:
                        # The burst has the machine for itself: its figures are compared.
                        burst_is_over.wait()
                    for scenario in lane:
                        _play(scenario, run, outcome, show)
                        burst_is_over.set()
            finally:
                burst_is_over.set()

        with ThreadPoolExecutor(len(LANES)) as pool:
            lanes = [pool.submit(play, *each) for each in zip(self._worlds, LANES, strict=True)]
            try:
                for done in as_completed(lanes):
                    done.result()
            except BaseException:
                for team in teams:  # the other lane need not play to its end
                    team.end()
                raise

    @contextmanager
    def playing(self, stage: Path) -> Iterator[StageRun]:
        """Run the processes of a stage in the block, on the first set of servers."""
        with self._playing(self._worlds[0], stage, []) as run:
            yield run

    @contextmanager
    def _playing(
        self, world: World, stage: Path, teams: list[Team], distance_s: float = DISTANCE_S
    ) -> Iterator[StageRun]:
        logs = self._logs / f"{stage.stem}-{self._worlds.index(world) + 1}"
        logs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="seonchak-lab-") as name:
            folder = Path(name)
            lab = Journal(folder, "lab")
            team = Team(stage, world.environment, Folders(folder, logs), distance_s)
            teams.append(team)
            try:
                yield StageRun(world, team, lab, folder)
            finally:
                team.end()
                lab.close()


def _play(scenario: Scenario, run: StageRun, outcome: StageOutcome, show: Show) -> None:
    names = [law.__name__ for law in scenario.laws]
    if scenario.strikes and scenario.strikes not in run.traits.uses:
        rulings = [not_concerned(name) for name in names]
    else:
        for name in names:
            show(name, None)
        recording = scenario.play(run)
        rulings = [law(recording) for law in scenario.laws]
        outcome.recordings |= dict.fromkeys(names, recording)
    for ruling in rulings:
        outcome.rulings[ruling.promise] = ruling
        show(ruling.promise, ruling)
