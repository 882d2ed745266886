"""A timeline is what a reader sees of a broken promise."""

from __future__ import annotations

from lab.judge.journal import RecordedCall
from lab.judge.presses import Press
from lab.judge.recording import Recording
from lab.timeline import WORDS_LENGTH_MAX, timeline

KIM = "kim-minji"
CALLS = [
    RecordedCall(10.011, "app 1", "Redis", "INCR coupon_count", "1", KIM),
    RecordedCall(10.2, "app 1", "MySQL", "x" * 500, "1", KIM),
    RecordedCall(10.3, "app 1", "", "answer", "accepted", KIM),
    RecordedCall(10.4, "lab", "Redis", "restarted", "", ""),
]
PRESSES = [Press(KIM, "accepted", "", 10.01, 10.3), Press(KIM, "accepted", "", 10.01, 10.3)]
RECORDING = Recording(10.0, PRESSES, [KIM, KIM], CALLS)


def test_it_begins_with_the_presses_counts_what_repeats_and_ends_with_her_rows() -> None:
    events = timeline(RECORDING, KIM)
    assert [(e.ms, e.actor["ko"], e.server, e.times) for e in events] == [
        (10.0, "김민지", "", 2),
        (11.0, "app 1", "Redis", 1),
        (200.0, "app 1", "MySQL", 1),
        (300.0, "김민지", "", 1),
        (400.0, "lab", "Redis", 1),
        (400.0, "lab", "MySQL", 1),
    ]
    assert events[3].says["en"] == "reads “accepted”"
    assert events[4].says["ko"] == "Redis가 죽고, 사본으로 다시 시작한다"
    assert events[5].says["en"] == "her coupons at the end: 2"


def test_a_long_statement_is_cut_but_not_the_person_in_it() -> None:
    batch = f"INSERT INTO coupon (user_id) VALUES {'(1),' * 100} ('{KIM}')"
    calls = [*CALLS, RecordedCall(10.5, "consumer", "MySQL", batch, "101", "")]
    words = timeline(Recording(10.0, PRESSES, [KIM], calls), KIM)[5].says["en"]
    assert words.startswith("INSERT INTO coupon (user_id)")
    assert words.endswith(f"… {KIM} … → 101")
    assert len(words) <= WORDS_LENGTH_MAX
