"""One run of the lab: judge the stages that are asked for, show and store what was seen."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from lab import results
from lab.catalogue import STAGES, of_reader
from lab.judge.judge import DISTANCE_S, Judge
from lab.judge.stage_file import MistakeError
from lab.judge.world import World
from lab.show import Screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.catalogue import Stage
    from lab.judge.judge import Outcome
    from lab.options import Options

LANES = 2


def run(options: Options) -> bool:
    """Return whether every stage, in every run, did what its page says."""
    with ExitStack() as cleanup:
        worlds = [cleanup.enter_context(World().running()) for _ in range(LANES)]
        results_of_runs = [_once(options, worlds) for _ in range(options.runs)]
    return all(results_of_runs)


def stages_of(options: Options) -> Sequence[Stage]:
    """Return the stages that the options ask for."""
    if options.mine:
        return [of_reader(options.mine)]
    return [stage for stage in STAGES if options.stage in {None, stage.number}]


def differences(stage: Stage, outcome: Outcome) -> list[str]:
    """Return the promises about which the stage's page is not right."""
    return sorted(stage.breaks ^ outcome.broken)


def _once(options: Options, worlds: Sequence[World]) -> bool:
    stages, began = stages_of(options), time.perf_counter()
    screen, judge = Screen(stages, options.language), Judge(worlds, DISTANCE_S)
    outcomes: list[tuple[Stage, Outcome]] = []
    with screen.live:
        for stage in stages:
            try:
                outcome = judge.judge(
                    stage.file, lambda *seen, stage=stage: screen.show(stage, *seen)
                )
            except MistakeError as error:
                screen.live.stop()
                screen.mistake(stage, error.mistake)
                return False
            outcomes.append((stage, outcome))
            results.write(options.out, stage, outcome)
    screen.finish()
    for stage, outcome in outcomes:
        screen.tell(stage, outcome, in_full=len(stages) == 1)
    screen.say("took", seconds=time.perf_counter() - began, folder=options.out)
    return _conclude(screen, outcomes)


def _conclude(screen: Screen, outcomes: Sequence[tuple[Stage, Outcome]]) -> bool:
    """Print the sentence at the end; return whether all is as it should be."""
    wrong = [(stage, found) for stage, one in outcomes if (found := differences(stage, one))]
    for stage, names in wrong:
        if stage.number:
            screen.say("not_as_expected", stage=stage.number, promises=", ".join(names))
        else:
            screen.say("some_broken", count=len(names))
    if not wrong:
        all_kept = not any(outcome.broken for _, outcome in outcomes)
        screen.say("all_kept" if all_kept else "as_expected")
    return not wrong
