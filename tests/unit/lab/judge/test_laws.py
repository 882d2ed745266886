"""Each law on recordings written by hand: one that keeps its promise, one that breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab import people
from lab.judge import laws
from lab.judge.journal import RecordedCall
from lab.judge.presses import Press
from lab.judge.promises import LANES, PROMISES
from lab.judge.recording import QUOTA, Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KIM, LEE, PARK = people.ids(3)


def press(user_id: str, answer: str = "accepted", seconds: float = 0.1) -> Press:
    return Press(user_id, answer, "" if answer else "PoolIsDryError: dry", 10.0, 10.0 + seconds)


def recording(
    presses: Sequence[Press], rows: Sequence[str], struck: Sequence[str] = ()
) -> Recording:
    return Recording(10.0, presses, rows, [], struck)


ALL = people.ids(QUOTA)
ONE_MORE = people.ids(QUOTA + 1)
FULL = [press(user_id) for user_id in ALL]
KEPT = {
    "quota": recording(FULL, ALL),
    "answered": recording([press(KIM), press(LEE, "sold out", 4.9)], [KIM]),
    "one_each": recording([press(KIM), press(KIM, "already applied")], [KIM]),
    "mysql_pause": recording([press(KIM, seconds=0.8)], [KIM]),
    "retried": recording([press(KIM), press(LEE, "try again")], [KIM]),
    "crash": recording(FULL, ALL, struck=[KIM, LEE]),
    "kafka": recording([press(KIM), press(LEE, "")], [KIM]),
    "twice": recording([press(KIM), press(LEE)], [KIM, LEE]),
    "redis": recording([*FULL, press("yoon-minji", "sold out")], ALL),
}
# The promise, who is named, the figure that says so, and the recording.
BROKEN: list[tuple[str, str, str, int, Recording]] = [
    ("quota", ONE_MORE[-1], "rows", 101, recording([press(u) for u in ONE_MORE], ONE_MORE)),
    ("answered", LEE, "unanswered", 1, recording([press(KIM), press(LEE, "")], [KIM])),
    ("answered", LEE, "unanswered", 1, recording([press(LEE, "sold out", 5.1)], [])),
    ("one_each", KIM, "rows", 2, recording([press(KIM), press(KIM)], [KIM, KIM])),
    ("mysql_pause", KIM, "late", 1, recording([press(KIM, seconds=1.0)], [KIM])),
    ("mysql_pause", KIM, "late", 1, recording([press(KIM, "")], [])),
    ("retried", LEE, "lost", 1, recording([press(KIM), press(LEE)], [KIM])),
    ("crash", LEE, "barred", 1, recording(FULL, [KIM, *ALL[2:], PARK], struck=[KIM, LEE])),
    ("crash", PARK, "unused", 2, recording([press(PARK, "sold out")], ALL[2:], struck=[])),
    ("kafka", KIM, "lost", 1, recording([press(KIM)], [])),
    ("twice", KIM, "rows", 3, recording([press(KIM), press(LEE)], [KIM, KIM, LEE])),
    ("twice", LEE, "rows", 1, recording([press(KIM), press(LEE)], [KIM])),
    ("redis", ONE_MORE[-1], "rows", 101, recording([press(u) for u in ONE_MORE], ONE_MORE)),
    ("redis", ONE_MORE[-1], "lost", 1, recording([press(u) for u in ONE_MORE], ALL)),
]


def law_of(promise: str) -> Callable[[Recording], laws.Ruling]:
    found = getattr(laws, promise)
    assert callable(found)
    return found  # type: ignore[no-any-return] # chosen by its name


def test_every_promise_has_a_law_in_a_lane_and_recordings_of_both_kinds() -> None:
    played = [law.__name__ for lane in LANES for scenario in lane for law in scenario.laws]
    assert sorted(played) == sorted(PROMISES)
    assert set(KEPT) == set(PROMISES) == {promise for promise, *_ in BROKEN}


@pytest.mark.parametrize("promise", PROMISES)
def test_a_law_finds_nothing_in_a_recording_that_keeps_its_promise(promise: str) -> None:
    ruling = law_of(promise)(KEPT[promise])
    assert (ruling.promise, ruling.state, list(ruling.breaches)) == (promise, "kept", [])


@pytest.mark.parametrize(("promise", "person", "figure", "count", "played"), BROKEN)
def test_a_law_names_the_person_to_whom_its_promise_was_broken(
    promise: str, person: str, figure: str, count: int, played: Recording
) -> None:
    ruling = law_of(promise)(played)
    assert ruling.state == "broken"
    assert ruling.breaches[0].user_id == person
    assert ruling.counts[figure] == count
    assert people.BY_ID[person].en in ruling.breaches[0].what["en"]
    assert people.BY_ID[person].ko in ruling.breaches[0].what["ko"]
    assert all(ruling.seen.values())


def test_a_stage_without_kafka_neither_keeps_nor_breaks_what_kafka_is_needed_for() -> None:
    ruling = laws.not_concerned("kafka")
    assert (ruling.state, ruling.seen) == ("none", {"en": "", "ko": ""})


def test_a_timeline_has_the_calls_for_a_person_batches_that_name_her_and_the_faults() -> None:
    calls = [
        RecordedCall(1, "app 1", "Redis", "INCR coupon_count", "1", KIM),
        RecordedCall(2, "app 1", "Redis", "INCR coupon_count", "2", LEE),
        RecordedCall(3, "lab", "Kafka", "is frozen", "", ""),
        RecordedCall(4, "consumer", "MySQL", f"INSERT … ('{KIM}'),('{LEE}')", "2", ""),
        RecordedCall(5, "consumer", "MySQL", f"INSERT … ('{KIM}-jr'),('{LEE}')", "2", ""),
    ]
    seen = Recording(0, [], [], calls).timeline(KIM)
    assert [call.at_s for call in seen] == [1, 3, 4]
