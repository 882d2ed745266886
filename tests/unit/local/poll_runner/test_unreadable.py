"""A batch that cannot be read: its partition waits or is passed, and nothing else changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.adapters.kafka.fetched_records import UnreadableBatchError
from handlers.domain.errors import UnavailableError
from handlers.domain.record import UnreadableBatch
from local.poll_runner.loop import PollRunner
from local.poll_runner.options import PollOptions
from tests.support.log_lines import log_of
from tests.support.polled import P0, P1, SERVERS, record
from tests.support.scripted_consumer import HIGHWATER, ScriptedConsumer

if TYPE_CHECKING:
    import pytest

    from local.poll_runner.unreadable import Keep

DAMAGED = UnreadableBatch("coupon_create", 0, 7, 9, b"bytes", "its checksum is wrong")


def runner_at(consumer: ScriptedConsumer, handled: list[Any], keep: Keep) -> PollRunner:
    options = PollOptions("coupon_create", SERVERS, batch_window_ms=0)
    return PollRunner(lambda: consumer, lambda event, _: handled.append(event), options, keep)


def test_a_partition_with_a_damaged_batch_waits_and_the_others_are_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    consumer = ScriptedConsumer(UnreadableBatchError(DAMAGED), {P1: [record(5, P1)]})
    handled, kept = list[Any](), list[UnreadableBatch]()

    def keep(batch: UnreadableBatch) -> bool:
        kept.append(batch)
        return False

    runner = runner_at(consumer, handled, keep)
    assert not runner.run_once()
    assert runner.run_once()
    assert kept == [DAMAGED]
    assert consumer.held == {P0}
    assert consumer.commits == [{P1: 6}]
    line = next(line for line in log_of(capsys) if line["message"] == "unreadable batch")
    assert (line["place"], line["cause"]) == ("coupon_create-0@7", "its checksum is wrong")
    assert line["retries_in_s"] > 0


def test_a_skipped_batch_is_passed_and_the_offset_behind_it_committed() -> None:
    consumer = ScriptedConsumer(UnreadableBatchError(DAMAGED), {})
    runner = runner_at(consumer, [], lambda _: True)
    runner.run_once()
    runner.run_once()
    assert consumer.seeks == [(P0, 9)]
    assert consumer.commits == [{P0: 9}]
    assert consumer.held == set()


def test_a_skip_never_goes_past_the_end_of_the_partition() -> None:
    beyond = UnreadableBatch("coupon_create", 0, 7, 10**12, b"", "its header is damaged")
    consumer = ScriptedConsumer(UnreadableBatchError(beyond))
    runner_at(consumer, [], lambda _: True).run_once()
    assert consumer.seeks == [(P0, HIGHWATER)]


def test_a_partition_that_was_revoked_meanwhile_is_left_to_its_new_consumer() -> None:
    consumer = ScriptedConsumer(UnreadableBatchError(DAMAGED), {})
    consumer.assigned = {P1}
    runner = runner_at(consumer, [], lambda _: True)
    runner.run_once()
    runner.run_once()
    assert (consumer.seeks, consumer.commits) == ([], [])


def test_without_mysql_the_partition_waits_and_the_log_says_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def keep(_: UnreadableBatch) -> bool:
        raise UnavailableError

    consumer = ScriptedConsumer(UnreadableBatchError(DAMAGED), {})
    runner = runner_at(consumer, [], keep)
    runner.run_once()
    runner.run_once()
    assert consumer.held == {P0}
    line = next(line for line in log_of(capsys) if line["message"] == "unreadable batch")
    assert line["error"] == "UnavailableError"


def test_what_was_collected_before_the_damage_is_handled_first() -> None:
    consumer = ScriptedConsumer({P0: [record(6)]}, UnreadableBatchError(DAMAGED))
    handled: list[Any] = []
    runner = runner_at(consumer, handled, lambda _: False)
    assert runner.run_once()
    runner.run_once()
    assert len(handled) == 1
    assert consumer.commits[0] == {P0: 7}
