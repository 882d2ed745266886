"""Judges one stage: plays every scenario on it, and asks the laws."""

from __future__ import annotations

import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lab.judge.journal import Journal
from lab.judge.laws import not_concerned
from lab.judge.promises import LANES, PROMISES
from lab.judge.stage_run import StageRun
from lab.judge.team import Team

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lab.judge.laws import Verdict
    from lab.judge.promises import Scenario
    from lab.judge.recording import Recording
    from lab.judge.world import World

    Show = Callable[[str, Verdict | None], None]

# The servers are this far away from the app, as in a data centre. It opens the window of a race.
DISTANCE_S = 0.002


@dataclass(slots=True)
class Outcome:
    """All verdicts on one stage, each with its recording where there is one."""

    seconds: float = 0.0
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    recordings: dict[str, Recording] = field(default_factory=dict)
    # The stage's race, where it has one, on servers that are not far away.
    without_distance: Verdict | None = None

    @property
    def broken(self) -> set[str]:
        """The promises that the stage broke."""
        return {name for name, verdict in self.verdicts.items() if verdict.state == "broken"}


class Judge:
    """Judges stages on two sets of servers."""

    def __init__(self, worlds: Sequence[World], distance_s: float = DISTANCE_S) -> None:
        self._worlds, self._distance_s = worlds, distance_s

    def judge(self, stage: Path, show: Show) -> Outcome:
        """Return the verdicts; `show` gets each promise when it is tested, and its verdict after.

        Raises MistakeError when the stage's file is wrong.
        """
        began, outcome = time.perf_counter(), Outcome()
        teams: list[Team] = []
        burst_is_over = threading.Event()

        def play(world: World, lane: Sequence[Scenario]) -> None:
            try:
                with self._playing(world, stage, teams) as run:
                    for number, scenario in enumerate(lane):
                        # The burst has the machine for itself, so that its figures can be compared.
                        if lane is not LANES[0] and number == 0:
                            burst_is_over.wait()
                        _play(scenario, run, outcome, show)
                        burst_is_over.set()
            finally:
                burst_is_over.set()

        with ThreadPoolExecutor(len(self._worlds)) as pool:
            try:
                for done in [
                    pool.submit(play, *each) for each in zip(self._worlds, LANES, strict=True)
                ]:
                    done.result()
            except BaseException:
                for team in teams:  # the other lane need not play to its end
                    team.end()
                raise
        outcome.verdicts = {name: outcome.verdicts[name] for name in PROMISES}
        outcome.seconds = time.perf_counter() - began
        return outcome

    @contextmanager
    def _playing(self, world: World, stage: Path, teams: list[Team]) -> Iterator[StageRun]:
        with tempfile.TemporaryDirectory(prefix="seonchak-lab-") as name:
            folder = Path(name)
            lab, team = (
                Journal(folder, "lab"),
                Team(stage, world.environment, folder, self._distance_s),
            )
            teams.append(team)
            try:
                yield StageRun(world, team, lab, folder)
            finally:
                team.end()
                lab.close()


def _play(scenario: Scenario, run: StageRun, outcome: Outcome, show: Show) -> None:
    names = [law.__name__ for law in scenario.laws]
    if scenario.strikes and scenario.strikes not in run.traits.uses:
        verdicts = [not_concerned(name) for name in names]
    else:
        for name in names:
            show(name, None)
        recording = scenario.play(run)
        verdicts = [law(recording) for law in scenario.laws]
        outcome.recordings |= dict.fromkeys(names, recording)
    for verdict in verdicts:
        outcome.verdicts[verdict.promise] = verdict
        show(verdict.promise, verdict)
