"""What is written for the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lab import results
from lab.catalogue import STAGES
from lab.judge import laws
from lab.judge.journal import RecordedCall
from lab.judge.judge import StageOutcome
from lab.judge.presses import Press
from lab.judge.recording import Recording

if TYPE_CHECKING:
    from pathlib import Path

KIM = "kim-minji"
CALLS = [
    RecordedCall(10.011, "app 1", "Redis", "INCR coupon_count", "1", KIM),
    RecordedCall(10.2, "app 1", "MySQL", "x" * 500, "1", KIM),
    RecordedCall(10.3, "app 1", "", "answer", "accepted", KIM),
]
PRESSES = [Press(KIM, "accepted", "", 10.01, 10.3), Press(KIM, "accepted", "", 10.01, 10.3)]
RECORDING = Recording(10.0, PRESSES, [KIM, KIM], CALLS)


def outcome() -> StageOutcome:
    rulings = {"quota": laws.quota(RECORDING), "one_each": laws.one_each(RECORDING)}
    return StageOutcome(1.5, rulings, dict.fromkeys(rulings, RECORDING))


def test_the_file_of_a_stage_has_all_that_a_report_needs(tmp_path: Path) -> None:
    path = results.write(tmp_path / "lab", STAGES[2], outcome())
    found = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == "3.json"
    assert found["source"] == STAGES[2].file.read_text(encoding="utf-8")
    assert (found["stage"], found["own"], found["seconds"]) == (3, "one_each", 1.5)
    assert found["burst"]["latencies_ms"] == [290.0, 290.0]
    assert found["burst"]["mysql_per_100_ms"] == [0, 1]
    quota, one_each = found["promises"]
    assert (quota["state"], quota["people"]) == ("kept", [])
    assert (one_each["state"], one_each["breaches"]) == ("broken", 1)
    [person] = one_each["people"]
    assert person["person"] == {"user_id": KIM, "en": "Kim Minji", "ko": "김민지"}
    assert person["what"]["en"] == "Kim Minji has 2 coupons."
    assert person["timeline"]
