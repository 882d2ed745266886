"""direct_writer.py: threads share transactions, and none waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest

from handlers.adapters.mysql import direct_writer
from handlers.adapters.mysql.direct_writer import PAUSE_S, DirectWriter
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import LedgerRefusedError, UnavailableError
from tests.support.clock import ManualClock
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Sequence


def admitted(serial: int, fence: int = 1) -> CouponAccepted:
    return CouponAccepted("welcome", f"user-{serial}", serial, 0, fence)


class SlowLedger:
    """Writes a group when the test lets it; refuses the serials in `refused`."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.refused: set[int] = set()
        self.error: Exception | None = None
        self.may_write = threading.Event()
        self.may_write.set()

    def write_direct(self, coupons: Sequence[CouponAccepted]) -> set[CouponAccepted]:
        self.groups.append([coupon.serial for coupon in coupons])
        assert self.may_write.wait(WAIT_S)
        if self.error:
            raise self.error
        return {coupon for coupon in coupons if coupon.serial not in self.refused}


@pytest.fixture
def ledger() -> SlowLedger:
    return SlowLedger()


@pytest.fixture
def writer(ledger: SlowLedger) -> DirectWriter:
    return DirectWriter(cast("Any", ledger))


def test_a_batch_is_one_transaction_and_each_gets_its_own_reply(
    writer: DirectWriter, ledger: SlowLedger
) -> None:
    ledger.refused = {2}
    assert writer.write_all([admitted(n) for n in (1, 2, 3)]) == [True, False, True]
    assert ledger.groups == [[1, 2, 3]]


def test_an_admission_without_a_fence_is_not_written(
    writer: DirectWriter, ledger: SlowLedger
) -> None:
    assert writer.write_all([admitted(1, fence=0), admitted(2)]) == [False, True]
    assert ledger.groups == [[2]]


def test_threads_that_wait_for_a_transaction_share_the_next_one(
    writer: DirectWriter, ledger: SlowLedger
) -> None:
    ledger.may_write.clear()
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(writer.write_all, [admitted(1)])
        eventually(lambda: ledger.groups == [[1]], "the first transaction")
        others = [threads.submit(writer.write_all, [admitted(n)]) for n in range(2, 9)]
        eventually(lambda: len(writer._queue) == len(others), "all others to wait")
        ledger.may_write.set()
        assert all(one.result() == [True] for one in (first, *others))
    assert sorted(ledger.groups[1]) == list(range(2, 9))
    assert len(ledger.groups) == 2


def test_a_large_batch_is_written_in_groups(
    writer: DirectWriter, ledger: SlowLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct_writer, "GROUP_MAX", 2)
    assert writer.write_all([admitted(n) for n in range(1, 6)]) == [True] * 5
    assert ledger.groups == [[1, 2], [3, 4], [5]]


def test_a_thread_that_has_waited_long_enough_keeps_its_place_and_leaves_the_queue(
    writer: DirectWriter, ledger: SlowLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.may_write.clear()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(writer.write_all, [admitted(1)])
        eventually(lambda: ledger.groups == [[1]], "the first transaction")
        monkeypatch.setattr(direct_writer, "WAIT_S_MAX", 0.05)
        assert writer.write_all([admitted(2)]) == [False]
        assert writer._queue == []
        ledger.may_write.set()
        assert first.result() == [True]
    assert ledger.groups == [[1]]


def test_more_than_can_be_written_in_time_is_not_queued(
    writer: DirectWriter, ledger: SlowLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct_writer, "QUEUE_MAX", 1)
    assert writer.write_all([admitted(1), admitted(2)]) == [False, False]
    assert ledger.groups == []


def test_while_mysql_is_down_no_applicant_waits_for_it_again_for_a_while(
    ledger: SlowLedger,
) -> None:
    clock = ManualClock()
    writer = DirectWriter(cast("Any", ledger), clock)
    ledger.error = UnavailableError("MySQL gave no answer")
    assert [writer.write_all([admitted(n)]) for n in (1, 2)] == [[False], [False]]
    assert ledger.groups == [[1]]
    ledger.error = None
    clock.now_s += PAUSE_S
    assert writer.write_all([admitted(3)]) == [True]


def test_a_failure_ends_the_waiting_of_all_who_are_queued(
    writer: DirectWriter, ledger: SlowLedger
) -> None:
    ledger.may_write.clear()
    ledger.error = LedgerRefusedError(1406)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(writer.write_all, [admitted(1)])
        eventually(lambda: ledger.groups == [[1]], "the first transaction")
        second = threads.submit(writer.write_all, [admitted(2)])
        eventually(lambda: len(writer._queue) == 1, "the second to wait")
        ledger.may_write.set()
        assert first.result() == second.result() == [False]


def test_a_fault_of_our_own_is_not_taken_for_an_outage(
    writer: DirectWriter, ledger: SlowLedger
) -> None:
    ledger.error = KeyError("bug")
    with pytest.raises(KeyError):
        writer.write_all([admitted(1)])
    ledger.error = None
    assert writer.write_all([admitted(1)]) == [True]
