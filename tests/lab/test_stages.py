"""Each stage on real servers: it breaks its own promise, and the next one keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.catalogue import STAGES, Stage
from lab.run import differences
from lab.timeline import timeline

if TYPE_CHECKING:
    from pathlib import Path

    from lab.judge.judge import Judge, StageOutcome
    from lab.judge.laws import Ruling

# A stage takes some ten seconds; several times that on a machine with much other work.
pytestmark = pytest.mark.timeout(300)


def unseen(_promise: str, _ruling: Ruling | None) -> None:
    """Show nothing."""


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.file.stem)
def test_a_stage_breaks_and_keeps_what_its_page_says(judge: Judge, stage: Stage) -> None:
    outcome = judge.judge(stage.file, unseen, stage.race)
    seen = {name: ruling.counts for name, ruling in outcome.rulings.items()}
    assert differences(stage, outcome) == [], seen
    assert (outcome.without_distance is not None) == bool(stage.race)
    for name in outcome.broken:
        first = outcome.rulings[name].breaches[0]
        assert first.what["en"]
        assert timeline(outcome.recordings[name], first.user_id)


def judged(judge: Judge, folder: Path, stage: Stage, *changes: tuple[str, str]) -> StageOutcome:
    """Return the outcome of a stage whose text is changed."""
    text = stage.file.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file = folder / stage.file.name
    file.write_text(text, encoding="utf-8")
    return judge.judge(file, unseen)


def test_control_without_its_unique_keys_the_eighth_stage_writes_twice(
    judge: Judge, tmp_path: Path
) -> None:
    keys = (
        "serial INT PRIMARY KEY, user_id VARCHAR(64) NOT NULL UNIQUE",
        "serial INT, user_id TEXT",
    )
    assert "twice" in judged(judge, tmp_path, STAGES[7], keys).broken


def test_control_without_the_wait_for_the_ack_the_eighth_stage_loses_none_while_it_relays(
    judge: Judge, tmp_path: Path
) -> None:
    no_wait = (".get(timeout=1)", "")
    no_relay = ("redis().time()[0] - 1", "0")
    assert "kafka" not in judged(judge, tmp_path, STAGES[7], no_wait).broken
    assert "kafka" in judged(judge, tmp_path, STAGES[7], no_wait, no_relay).broken
