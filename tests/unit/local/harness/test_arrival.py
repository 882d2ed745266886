"""Waiting for what is on its way: as long as it moves, or the relay may still move it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.harness.arrival import STILL_MARGIN_S, Arrival, Outstanding, await_arrival

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_S, RELAY_WITHIN_S = 30.0, 90.0


class FakeClock:
    """Time that only a pause moves."""

    def __init__(self) -> None:
        self.at_s = 1000.0

    def now(self) -> float:
        return self.at_s

    def pause(self, seconds: float) -> None:
        self.at_s += seconds


class Waiting:
    """One waiting, in which `left_at` says what is outstanding so many seconds after its start."""

    def __init__(self, left_at: Callable[[float], int]) -> None:
        self.said: list[str] = []
        clock = FakeClock()
        started = clock.now()

        def look() -> Outstanding:
            left = left_at(clock.now() - started)
            return Outstanding(left // 2, left - left // 2)

        self.arrival = await_arrival(look, WINDOW_S, RELAY_WITHIN_S, self.said.append, clock)


def test_what_arrives_within_the_window_is_in_time_and_nothing_is_said() -> None:
    waited = Waiting(lambda at_s: 0 if at_s > 20 else 7)
    assert 20 < waited.arrival.took_s < 21
    assert waited.arrival.lateness == ""
    assert waited.said == []


def test_an_admission_that_only_the_relay_sends_is_waited_for_and_is_late() -> None:
    # The relay runs every minute and sends what is older than half a minute.
    waited = Waiting(lambda at_s: 0 if at_s > 95 else 7)
    assert waited.arrival.left.total == 0
    assert waited.arrival.lateness == "the last one arrived after 95 s, and 30 s is in time"
    assert waited.said[0] == (
        "late: 3 rows are missing, 4 admissions are pending after 30 s; the relay sends them "
        "again within 90 s; the waiting ends after 210 s without an arrival"
    )
    assert len(waited.said) == 13  # every five seconds


def test_as_long_as_something_arrives_the_waiting_goes_on() -> None:
    waited = Waiting(lambda at_s: max(0, 10 - int(at_s / 100)))
    assert waited.arrival.left.total == 0
    assert 1000 <= waited.arrival.took_s < 1001


def test_what_no_longer_moves_after_the_relays_time_is_not_waited_for() -> None:
    waited = Waiting(lambda at_s: 3 if at_s > 10 else 7)
    assert waited.arrival.left == Outstanding(1, 2)
    assert 10 + RELAY_WITHIN_S + STILL_MARGIN_S <= waited.arrival.took_s < 222
    assert waited.arrival.lateness == ""


def test_what_goes_up_and_down_without_getting_fewer_is_no_arrival() -> None:
    waited = Waiting(lambda at_s: 5 + int(at_s) % 3)
    assert waited.arrival.left.total >= 5
    assert waited.arrival.took_s < 215


def test_the_window_is_waited_for_in_any_case() -> None:
    arrival = await_arrival(lambda: Outstanding(1, 0), 500.0, 0.0, lambda _: None, FakeClock())
    assert arrival.took_s >= 500


def test_what_is_missing_is_not_late_but_missing() -> None:
    assert Arrival(30.0, 200.0, Outstanding(1, 0)).lateness == ""
