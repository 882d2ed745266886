"""The lanes of a timeline."""

from __future__ import annotations

import pytest

from lab.report.lanes import EVENTS_SHOWN_MAX, ends, rows_of, timeline
from tests.support.lab_records import KIM, event, events

PERSON, PROCESS, REDIS, KAFKA, MYSQL = range(5)


@pytest.mark.parametrize(
    ("happened", "lanes"),
    [
        (event(1, "Kim Minji", "", "presses"), (PERSON, PROCESS)),
        (event(1, "Kim Minji", "", "reads “accepted”"), (PROCESS, PERSON)),
        (event(1, "app 1", "Redis", "GET x"), (PROCESS, REDIS)),
        (event(1, "app 1", "Kafka", "send x"), (PROCESS, KAFKA)),
        (event(1, "consumer 2", "Kafka", "deliver offsets 1 to 2: x"), (KAFKA, PROCESS)),
        (event(1, "clock", "MySQL", "SELECT 1"), (PROCESS, MYSQL)),
        (event(1, "app 3", "", "is killed"), (PROCESS, PROCESS)),
        (event(1, "lab", "", "the app server is replaced"), (PROCESS, PROCESS)),
        (event(1, "lab", "Redis", "Redis is killed"), (REDIS, REDIS)),
    ],
)
def test_an_event_goes_from_lane_to_lane(happened: dict[str, object], lanes: object) -> None:
    assert ends(happened) == lanes


def test_a_long_pause_has_a_row_of_its_own() -> None:
    pauses = [row.pause["en"] for row in rows_of(events()) if row.pause]
    assert pauses == ["2.00 s later", "480 ms later"]


def test_of_many_events_the_first_and_the_last_are_shown() -> None:
    many = [event(number, "app 1", "Redis", f"GET {number}") for number in range(50)]
    rows = rows_of(many)
    shown = [row.event["ms"] for row in rows if row.event]
    assert len(shown) == EVENTS_SHOWN_MAX
    assert (shown[0], shown[-1]) == (0, 49)
    assert [row.pause["en"] for row in rows if row.pause] == ["32 more steps are left out here."]


def test_each_step_can_be_reached_and_says_who_did_what() -> None:
    drawn = timeline(KIM, events())
    assert drawn.count('role="img"') == len(events())
    assert drawn.count('tabindex="0"') == 1
    assert 'data-ko="9 ms, app 1, Redis: SADD applied_user kim-minji → 1"' in drawn
    assert "presses ×2" in drawn


def test_faults_failures_and_the_rows_at_the_end_differ_by_more_than_their_colour() -> None:
    drawn = timeline(KIM, events())
    assert drawn.count('class="event strike"') == 2
    assert drawn.count('class="event failed"') == 1
    assert drawn.count('class="event result"') == drawn.count('class="ring"') == 1


def test_a_command_is_escaped() -> None:
    drawn = timeline(KIM, [event(1, "app 1", "Redis", '"><script>x</script>')])
    assert "<script" not in drawn
    assert '"">' not in drawn


def test_a_person_without_events_has_empty_lanes() -> None:
    assert "<svg" in timeline(KIM, [])
