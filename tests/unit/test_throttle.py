"""handlers/edge/throttle.py: machines are stopped, people are not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from handlers.edge import throttle
from handlers.edge.throttle import Throttle

if TYPE_CHECKING:
    import pytest


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_user_may_call_so_often_within_a_second_and_no_oftener() -> None:
    limit = Throttle(3, Clock())
    assert [limit.allows("42") for _ in range(5)] == [True, True, True, False, False]


def test_one_user_does_not_use_up_the_calls_of_another() -> None:
    limit = Throttle(1, Clock())
    assert limit.allows("42")
    assert not limit.allows("42")
    assert limit.allows("43")


def test_the_next_second_starts_anew() -> None:
    clock = Clock()
    limit = Throttle(1, clock)
    assert limit.allows("42")
    clock.now_s = 100.999
    assert not limit.allows("42")
    clock.now_s = 101.0
    assert limit.allows("42")


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "USERS_MAX", 10)
    limit = Throttle(1, Clock())
    assert all(limit.allows(f"user-{n}") for n in range(100))
    assert len(limit._calls) <= 10


def test_threads_together_get_no_more_than_the_limit() -> None:
    limit = Throttle(500, Clock())
    with ThreadPoolExecutor(16) as pool:
        allowed = sum(pool.map(lambda _: limit.allows("42"), range(1000)))
    assert allowed == 500
