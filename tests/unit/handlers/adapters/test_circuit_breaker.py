"""handlers/adapters/circuit_breaker.py: closed, open for a while, then one probe."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from handlers.adapters.circuit_breaker import CircuitBreaker
from tests.support.clock import ManualClock

FAILURES_MAX, OPEN_S = 3, 5.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker(FAILURES_MAX, OPEN_S, clock)


def trip(breaker: CircuitBreaker) -> None:
    for _ in range(FAILURES_MAX):
        breaker.failed()


def test_a_breaker_is_closed_until_failures_come_in_a_row(breaker: CircuitBreaker) -> None:
    results = [breaker.failed() for _ in range(FAILURES_MAX - 1)]
    assert not any(results)
    assert breaker.allows()
    assert breaker.failed()
    assert not breaker.allows()


def test_a_success_in_between_keeps_it_closed(breaker: CircuitBreaker) -> None:
    for _ in range(10):
        for _ in range(FAILURES_MAX - 1):
            assert not breaker.failed()
        breaker.succeeded()
    assert breaker.allows()


def test_an_open_breaker_lets_one_probe_through_after_a_while(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    trip(breaker)
    clock.now_s += OPEN_S - 0.001
    assert not breaker.allows()
    clock.now_s += 0.001
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_a_probe_that_fails_opens_it_for_another_while(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    trip(breaker)
    clock.now_s += OPEN_S
    assert breaker.allows()
    clock.now_s += 1
    assert breaker.failed()
    clock.now_s += OPEN_S - 0.001
    assert not breaker.allows()
    clock.now_s += 0.001
    assert breaker.allows()


def test_a_probe_that_succeeds_closes_it(breaker: CircuitBreaker, clock: ManualClock) -> None:
    trip(breaker)
    clock.now_s += OPEN_S
    assert breaker.allows()
    breaker.succeeded()
    assert all(breaker.allows() for _ in range(10))


def test_a_probe_that_never_reports_is_followed_by_another(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    trip(breaker)
    clock.now_s += OPEN_S
    assert breaker.allows()
    clock.now_s += OPEN_S
    assert breaker.allows()


def test_of_many_threads_one_is_the_probe(breaker: CircuitBreaker, clock: ManualClock) -> None:
    trip(breaker)
    clock.now_s += OPEN_S
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: breaker.allows(), range(200))) == 1
