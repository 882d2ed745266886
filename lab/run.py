"""One run of the lab: judge the stages that are asked for, show and store what was seen."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING

from lab import results
from lab.catalogue import STAGES, of_reader
from lab.hold import hold
from lab.judge.judge import Judge, running_worlds
from lab.judge.stage_file import MistakeError
from lab.playground.page import PAGE as PLAYGROUND
from lab.report.page import write as write_report
from lab.show import Screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.catalogue import Stage
    from lab.judge.judge import StageOutcome
    from lab.judge.world import World
    from lab.options import LabOptions
# A run by itself has a load of two; other work beside it looks like slow servers.
LOAD_PER_CORE_MAX = 2


def run(options: LabOptions) -> bool:
    """Return whether every stage, in every run, did what its page says."""
    with running_worlds() as worlds:
        right = [_once(options, worlds) for _ in range(options.runs)]
    if options.runs > 1:
        Screen((), options.language).say("runs", right=sum(right), runs=options.runs)
    return all(right)


def stages_of(options: LabOptions) -> Sequence[Stage]:
    """Return the stages that the options ask for."""
    if options.mine:
        return [of_reader(options.mine)]
    return [stage for stage in STAGES if options.stage in {None, stage.number}]


def differences(stage: Stage, outcome: StageOutcome) -> list[str]:
    """Return the promises about which the stage's page is not right."""
    return sorted((stage.breaks ^ outcome.broken) - stage.either)


def _once(options: LabOptions, worlds: Sequence[World]) -> bool:
    stages, began = stages_of(options), time.perf_counter()
    screen, judge = Screen(stages, options.language), Judge(worlds, options.out / "logs")
    outcomes: list[tuple[Stage, StageOutcome]] = []
    try:
        with screen.live:
            for stage in stages:
                outcome = judge.judge(stage.file, partial(screen.show, stage), stage.race)
                outcomes.append((stage, outcome))
                results.write(options.out, stage, outcome)
    except MistakeError as error:
        screen.mistake(stages[len(outcomes)], error.mistake)
        return False
    screen.finish()
    for stage, outcome in outcomes:
        screen.tell(stage, outcome, in_full=len(stages) == 1)
    screen.say("took", seconds=time.perf_counter() - began, folder=options.out)
    is_right = _conclude(screen, outcomes)
    screen.say("report", path=write_report(options.out))
    screen.say("playground", path=options.out / PLAYGROUND)
    if options.hold:
        hold(judge, stages[0], screen, options.out)
    return is_right


def _conclude(screen: Screen, outcomes: Sequence[tuple[Stage, StageOutcome]]) -> bool:
    """Print the sentence at the end; return whether all is as it should be."""
    wrong = [(stage, found) for stage, one in outcomes if (found := differences(stage, one))]
    for stage, names in wrong:
        if stage.number:
            screen.say("not_as_expected", stage=stage.number, promises=", ".join(names))
        else:
            screen.say("some_broken", count=len(names))
    if wrong and os.getloadavg()[0] > LOAD_PER_CORE_MAX * (os.cpu_count() or 1):
        screen.say("busy", load=os.getloadavg()[0], cores=os.cpu_count())
    if not wrong:
        all_kept = not any(outcome.broken for _, outcome in outcomes)
        screen.say("all_kept" if all_kept else "as_expected")
    return not wrong
