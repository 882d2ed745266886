"""The checks of a soak: what counts as growth, and which responses are failures."""

from __future__ import annotations

import os
import threading

import pytest

from local.soak.leak_check import MIB, RISE_MAX, growth
from local.soak.process_usage import process_usage
from local.soak.response_stats import ResponseStats

TIMES_S = [float(second) for second in range(600)]
LEAK = RISE_MAX["rss_bytes"] * 2


def memory(values: list[float]) -> bool:
    return growth("gateway", "rss_bytes", TIMES_S, values).is_bounded


def test_what_leaks_slowly_under_noise_is_found() -> None:
    noise = [(second * 7919 % 13) * MIB for second in range(600)]
    leaking = [100 * MIB + LEAK * at / 450 + noise[int(at)] for at in TIMES_S]
    assert not memory(leaking)
    assert memory([100 * MIB + extra for extra in noise])


def test_what_is_filled_once_during_the_warm_up_is_not_growth() -> None:
    assert memory([100 * MIB + min(at, 120) * MIB for at in TIMES_S])


def test_a_short_run_has_a_warm_up_of_20_s_in_which_each_thread_connects() -> None:
    connections = [min(at, 19) for at in TIMES_S[:30]]
    assert growth("gateway", "files", TIMES_S[:30], connections).is_bounded
    assert not growth("gateway", "files", TIMES_S[:30], TIMES_S[:30]).is_bounded


def test_what_shrinks_is_not_growth() -> None:
    assert memory([200 * MIB - LEAK * at / 600 for at in TIMES_S])


def test_each_file_that_is_never_closed_counts() -> None:
    files = [40.0 + at // 50 for at in TIMES_S]
    assert not growth("gateway", "files", TIMES_S, files).is_bounded


def test_a_run_too_short_to_check_is_reported_as_that() -> None:
    with pytest.raises(ValueError, match="too few"):
        growth("gateway", "files", [0.0, 1.0], [1.0, 1.0])


def test_this_very_process_holds_what_it_opens() -> None:
    before = process_usage(os.getpid())
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    read, write = os.pipe()
    try:
        thread.start()
        now = process_usage(os.getpid())
    finally:
        os.close(read)
        os.close(write)
        release.set()
        thread.join()
    assert (now.threads - before.threads, now.files - before.files) == (1, 2)
    assert before.rss_bytes > MIB


def test_a_response_that_was_not_expected_is_a_failure() -> None:
    stats = ResponseStats()
    stats.record("apply", 500, frozenset({200, 202}), 0.1)
    stats.record("apply", 202, frozenset({200, 202}), 0.1)
    assert stats.failures() == ["apply was answered with 500"]


def test_a_503_now_and_then_is_not_a_failure_but_one_in_a_hundred_is() -> None:
    stats = ResponseStats()
    for number in range(2000):
        stats.record("apply", 503 if number == 0 else 202, frozenset({202}), 0.1)
    assert stats.failures() == []
    for _ in range(20):
        stats.record("apply", 503, frozenset({202}), 0.1)
    assert stats.failures() == ["21 of 2020 answers were 503 with nothing broken"]
