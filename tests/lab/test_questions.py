"""The answers to the questions of the course are true: each changed stage is judged as they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.catalogue import STAGES
from lab.judge.laws import Ruling
from lab.judge.promises import LANES, PROMISES
from lab.texts import text
from tests.support.course import ENGLISH, KOREAN, experiments, fits

if TYPE_CHECKING:
    from pathlib import Path

    from lab.judge.judge import Judge
    from lab.judge.laws import State
    from tests.support.course import Experiment, Verdict

pytestmark = pytest.mark.timeout(300)
# A race that is looked for may not happen where a busy machine runs one press after the other.
RUNS_MAX = 3
MARKS = {"✓": "kept", "✗": "broken"}
IN_ENGLISH = experiments(ENGLISH.read_text(encoding="utf-8"))
IN_KOREAN = experiments(KOREAN.read_text(encoding="utf-8"))
NAMES = ["rows", "quota", "unanswered", "presses", "late", "lost", "accepted", "barred", "killed"]
COUNTS = dict.fromkeys([*NAMES, "unused", "people"], 1)
BY_TITLE = {text(promise)["en"]: promise for promise in PROMISES}


def changed(experiment: Experiment) -> str:
    """Return the text of the stage with the changes made."""
    source = STAGES[experiment.stage - 1].file.read_text(encoding="utf-8")
    for before, after in experiment.changes:
        assert source.count(before) == 1, before
        source = source.replace(before, after)
    return source


def rulings(judge: Judge, file: Path, promises: set[str]) -> dict[str, Ruling]:
    """Play only what concerns these promises; return the ruling on each."""
    found: dict[str, Ruling] = {}
    with judge.playing(file) as run:
        for scenario in (scenario for lane in LANES for scenario in lane):
            laws = [law for law in scenario.laws if law.__name__ in promises]
            if laws:
                recording = scenario.play(run)
                found |= {law.__name__: law(recording) for law in laws}
    return found


def agrees(verdict: Verdict, ruling: Ruling, language: str) -> bool:
    title, seen = text(ruling.promise)[language], ruling.seen[language]
    is_right = MARKS[verdict.mark] == ruling.state and verdict.title == title
    return is_right and fits(verdict.seen, seen)


def all_agree(pairs: list[tuple[Verdict, Verdict]], found: dict[str, Ruling]) -> bool:
    return all(
        agrees(english, found[BY_TITLE[english.title]], "en")
        and agrees(korean, found[BY_TITLE[english.title]], "ko")
        for english, korean in pairs
    )


@pytest.mark.parametrize(
    ("english", "korean"),
    [pytest.param(*pair, id=f"{pair[0].stage}-{number % 3 + 1}")
     for number, pair in enumerate(zip(IN_ENGLISH, IN_KOREAN, strict=True))],
)  # fmt: skip
def test_the_judge_says_of_a_changed_stage_what_the_answer_says(
    judge: Judge, tmp_path: Path, english: Experiment, korean: Experiment
) -> None:
    file = tmp_path / f"stage{english.stage}.py"
    file.write_text(changed(english), encoding="utf-8")
    pairs = list(zip(english.verdicts, korean.verdicts, strict=True))
    seen = []
    for _ in range(RUNS_MAX):
        found = rulings(judge, file, {BY_TITLE[verdict.title] for verdict in english.verdicts})
        if all_agree(pairs, found):
            return
        seen.append({name: (ruling.state, ruling.seen) for name, ruling in found.items()})
    pytest.fail(f"{RUNS_MAX} runs did not say {english.verdicts}: {seen}")


def test_control_an_answer_that_says_the_contrary_is_noticed() -> None:
    for experiment in IN_ENGLISH:
        for verdict in experiment.verdicts:
            promise = BY_TITLE[verdict.title]
            state: State = "kept" if verdict.mark == "✗" else "broken"
            assert not agrees(verdict, Ruling(promise, state, COUNTS, ()), "en")
