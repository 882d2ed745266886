"""Refusals that a process counts in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from handlers.domain.errors import NotEligibleError, StaleStateError
from handlers.domain.refusal_counts import SECOND_S, RefusalCounts
from tests.support.clock import ManualClock

THREADS, EACH = 8, 2000


def test_refusals_of_many_threads_are_all_counted() -> None:
    counts = RefusalCounts()

    def refuse(number: int) -> None:
        for _ in range(EACH):
            counts.count(f"campaign-{number % 2}", "SOLD_OUT")

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(refuse, range(THREADS)))
    half = THREADS // 2 * EACH
    assert counts.take() == {"campaign-0": {"SOLD_OUT": half}, "campaign-1": {"SOLD_OUT": half}}
    assert counts.take() == {}


def test_a_sum_is_due_a_second_after_its_first_refusal() -> None:
    clock = ManualClock()
    counts = RefusalCounts(clock)
    assert not counts.is_due()
    counts.count("welcome", "CLOSED")
    assert not counts.is_due()
    clock.now_s += SECOND_S
    assert counts.is_due()
    counts.take()
    assert not counts.is_due()


def test_an_error_counts_where_it_is_the_applicants() -> None:
    counts = RefusalCounts()
    for error in (NotEligibleError(), StaleStateError(), ValueError(), None):
        counts.count_error("welcome", error)
    assert counts.take() == {"welcome": {"NOT_ELIGIBLE": 1}}
