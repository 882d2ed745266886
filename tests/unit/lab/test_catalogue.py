"""The stages as a course: each is short, and the next one learns what it breaks."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lab.catalogue import STAGES, of_reader
from lab.judge.judge import StageOutcome
from lab.judge.laws import Ruling
from lab.judge.promises import PROMISES
from lab.run import differences
from tests.support.paths import ROOT

LINES_MAX = 60


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.file.name)
def test_a_stage_can_be_read_on_one_page(stage: object) -> None:
    text = stage.file.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert len(text.splitlines()) <= LINES_MAX
    assert "def apply(user_id: str) -> str:" in text
    assert "def consume(records: list) -> None:" in text


def test_only_the_ninth_stage_uses_the_service() -> None:
    with_handlers = [s.number for s in STAGES if "handlers" in s.file.read_text(encoding="utf-8")]
    assert with_handlers == [9]


def test_the_next_stage_keeps_what_a_stage_breaks_and_so_do_all_after_it() -> None:
    assert [stage.number for stage in STAGES] == list(range(1, 10))
    for stage, following in pairwise(STAGES):
        assert stage.own in stage.breaks
        assert all(stage.own not in later.breaks for later in STAGES[following.number - 1 :])
    assert STAGES[-1].breaks == set()
    # What depends on the machine is nothing that a stage is about, and nothing it has learned.
    learned = [{earlier.own for earlier in STAGES[: stage.number - 1]} for stage in STAGES]
    assert all(not s.either & ({s.own} | known) for s, known in zip(STAGES, learned, strict=True))
    assert {promise for stage in STAGES for promise in stage.breaks} == set(PROMISES)


def test_the_fifth_stage_uses_the_names_of_the_first_system() -> None:
    text = STAGES[4].file.read_text(encoding="utf-8")
    names = ("applied_user", "coupon_count", "coupon_create", "group_1", "coupon", "failed_event")
    assert [name for name in names if f"{name}" not in text] == []


def test_a_promise_that_is_kept_though_the_page_says_otherwise_is_a_difference() -> None:
    def outcome(*broken: str) -> StageOutcome:
        rulings = {name: Ruling(name, "broken", {}, ()) for name in broken}
        return StageOutcome(rulings=rulings)

    first = STAGES[0]
    assert differences(first, outcome(*first.breaks)) == []
    assert differences(first, outcome(*first.breaks - {"quota"})) == ["quota"]
    assert differences(first, outcome(*first.breaks, "crash")) == ["crash"]
    assert differences(first, outcome(*first.breaks, *first.either)) == []


def test_the_readers_own_stage_should_keep_every_promise() -> None:
    stage = of_reader(ROOT / "my_stage.py")
    assert (stage.number, stage.own, stage.breaks) == (0, "", frozenset())
    assert stage.title == {"en": "my_stage.py", "ko": "my_stage.py"}
