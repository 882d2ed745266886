"""The commands that the course has the reader type against held servers print what it shows."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from lab.by_hand import script
from lab.catalogue import STAGES
from lab.judge import scenarios
from lab.texts import text
from tests.support.course import ENGLISH, KOREAN, fits, looks, sections, verdicts
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from lab.catalogue import Stage
    from lab.judge.judge import Judge

PAGES = {"en": ENGLISH, "ko": KOREAN}
pytestmark = pytest.mark.timeout(120)
LOOKS = {
    number: looks(body) for number, body in sections(ENGLISH.read_text(encoding="utf-8")).items()
}
TRANSLATED = {
    number: looks(body) for number, body in sections(KOREAN.read_text(encoding="utf-8")).items()
}


def test_both_pages_show_the_same() -> None:
    assert LOOKS == TRANSLATED
    assert set(LOOKS) == {stage.number for stage in STAGES}


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize("stage", STAGES[:-1], ids=lambda stage: stage.file.stem)
def test_a_section_says_which_promise_its_stage_breaks(stage: Stage, language: str) -> None:
    section = sections(PAGES[language].read_text(encoding="utf-8"))[stage.number]
    before_questions, _, _ = section.partition("<details>")
    said = [(verdict.mark, verdict.title) for verdict in verdicts(before_questions)]
    assert said == [("✗", text(stage.own)[language])]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.file.stem)
def test_held_servers_show_what_the_course_shows(
    judge: Judge, tmp_path: Path, stage: Stage
) -> None:
    file = tmp_path / "by-hand.sh"
    with judge.playing(stage.file) as run:
        scenarios.burst(run)
        file.write_text(script(run.world.environment, stage.file))
        with run.serving():
            for look in LOOKS[stage.number]:
                shown = in_bash(f". {file}\n{look.command}")
                assert fits(look.shown, shown), (look, shown)


def in_bash(command: str) -> str:
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    return done.stdout.strip()


def test_control_other_words_and_numbers_do_not_fit() -> None:
    assert fits("~7 of 40, …", "12 of 40, kim-minji")
    assert not fits("~7 of 40", "12 of 41")
    assert not fits("100", "99")
    assert not fits("accepted", "already applied")
