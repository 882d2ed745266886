"""The poll runner as a program, with signals, other members and broker outages."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.migration.topic import ensure_topic
from handlers.retry import RetryDeadline
from local.servers import Tansu
from tests.support.log_lines import parsed
from tests.support.polling import (
    PARTITIONS,
    committed,
    events_in,
    has_assigned,
    places_in,
    places_of,
    runner_program,
    says,
    send,
    with_own_topic,
)
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.config import Settings
    from tests.support.programs import Program


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_and_commits_the_batch_in_hand(
    own_topic: Settings, tmp_path: Path, how: signal.Signals
) -> None:
    sent = send(own_topic, [b"0", b"1", b"2"], partition=1)
    recorded = tmp_path / "events"
    with runner_program(own_topic, recorded, handler="record_held") as program:
        eventually((tmp_path / "started").exists, "the handler's start")
        program.process.send_signal(how)
        (tmp_path / "release").touch()
        assert program.wait() == 0
        lines = parsed(program.err.seen)
    assert places_in(recorded) == places_of(sent)
    assert committed(own_topic, 1) == 3
    assert lines[-1]["message"] == "stopped"
    (batch,) = [line for line in lines if line["message"] == "batch"]
    assert batch["result"] == "success"
    assert batch["partitions"] == {f"{own_topic.coupon_topic}-1": [0, 2]}


def test_two_runners_share_the_partitions_and_one_takes_over_from_the_other(
    own_topic: Settings, tmp_path: Path
) -> None:
    firsts, seconds = tmp_path / "first", tmp_path / "second"
    with runner_program(own_topic, firsts) as first:
        first.err.until(has_assigned(PARTITIONS))
        sent = send(own_topic, [b"alone"] * 20)
        eventually(lambda: places_in(firsts) == places_of(sent), "all records at the first")
        with runner_program(own_topic, seconds) as second:
            second.err.until(has_assigned(PARTITIONS // 2))
            first.err.until(has_assigned(PARTITIONS // 2))
            for partition in range(PARTITIONS):
                sent += send(own_topic, [b"shared"] * 5, partition)
            eventually(
                lambda: places_in(firsts) | places_in(seconds) == places_of(sent), "all records"
            )
            assert {partition for partition, _ in places_in(seconds)} < set(range(PARTITIONS))
            assert second.stop() == 0
        first.err.until(has_assigned(PARTITIONS))
        for partition in range(PARTITIONS):
            sent += send(own_topic, [b"alone again"] * 5, partition)
        eventually(
            lambda: places_in(firsts) | places_in(seconds) == places_of(sent), "all records again"
        )
        assert first.stop() == 0


def test_the_records_of_a_runner_that_was_killed_come_to_another(
    own_topic: Settings, tmp_path: Path
) -> None:
    sent = send(own_topic, [b"0", b"1"], partition=0)
    recorded = tmp_path / "events"
    with runner_program(own_topic, recorded, handler="record_held") as first:
        eventually((tmp_path / "started").exists, "the handler's start")
        assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    assert places_in(recorded) == set()
    (tmp_path / "release").touch()
    with runner_program(own_topic, recorded, handler="record_held") as second:
        eventually(lambda: places_in(recorded) == places_of(sent), "the records at the second")
        assert second.stop() == 0
    assert committed(own_topic, 0) == 2


def test_a_runner_with_nothing_to_do_ends_on_a_signal(own_topic: Settings, tmp_path: Path) -> None:
    sent = send(own_topic, [b"0"], partition=0)
    recorded = tmp_path / "events"
    with runner_program(own_topic, recorded, "--idle-exit-s=1", "--source=self-managed") as program:
        assert program.wait() == 0
    assert places_in(recorded) == places_of(sent)
    (event,) = events_in(recorded)
    assert event.keys() == {"eventSource", "bootstrapServers", "records"}
    assert event["eventSource"] == "SelfManagedKafka"


def test_a_frozen_broker_is_logged_once_and_waited_for(settings: Settings, tmp_path: Path) -> None:
    recorded = tmp_path / "events"
    with Tansu() as broker:
        own = with_own_topic(replace(settings, kafka_bootstrap_servers=(broker.url,)))
        with runner_program(own, recorded) as program:
            program.err.until(has_assigned(PARTITIONS))
            broker_process = broker.pid
            os.kill(broker_process, signal.SIGSTOP)
            program.err.until(says("Kafka is out of reach"))
            os.kill(broker_process, signal.SIGCONT)
            program.err.until(says("Kafka is back"))
            sent = send(own, [b"after"] * 3)
            eventually(lambda: places_in(recorded) == places_of(sent), "the records afterwards")
            assert program.stop() == 0
            lines = [line for line in program.err.seen if says("Kafka is out of reach")(line)]
            assert len(lines) == 1


def test_a_broker_that_comes_late_and_one_that_restarts_empty_are_waited_for(
    settings: Settings, tmp_path: Path
) -> None:
    recorded = tmp_path / "events"
    with Tansu() as broker:
        own = replace(
            settings,
            kafka_bootstrap_servers=(broker.url,),
            coupon_topic="coupon_create",
            consumer_group="group_1",
        )
        broker.stop()
        with runner_program(own, recorded) as program:
            program.err.until(says("Kafka is out of reach"))
            serve_one_record(broker, own, program)
            eventually(lambda: len(events_in(recorded)) == 1, "the record")
            broker.stop()
            program.err.until(says("Kafka is out of reach"))
            serve_one_record(broker, own, program)
            eventually(lambda: len(events_in(recorded)) == 2, "the record of the empty broker")
            broker.kill()
            assert program.stop() == 0


def serve_one_record(broker: Tansu, settings: Settings, program: Program) -> None:
    """Start an empty broker; send one record when the runner has found it."""
    broker.start()
    ensure_topic(settings, RetryDeadline(WAIT_S, print), partitions=PARTITIONS)
    program.err.until(says("Kafka is back"))
    send(settings, [b"after"], partition=0)
