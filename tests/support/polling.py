"""Topics to poll, poll runners step by step and as programs, and their results."""

from __future__ import annotations

import json
import uuid
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import TopicPartition

from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.migration.topic import ensure_topic
from handlers.retry import RetryDeadline
from local.poll_runner.consumer import build_consumer
from local.poll_runner.loop import PollRunner
from local.poll_runner.options import PollOptions
from tests.support.programs import Program, running_with
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from handlers.config import Settings
    from local.poll_runner.unreadable import Keep


PARTITIONS = 4
SESSION_TIMEOUT_MS = 6_000
# What a service looks for every few seconds, a program of a test looks for more often.
OFTEN: dict[str, float] = {
    "local.poll_runner.consumer.HEARTBEATS_PER_SESSION": 20,
    "local.poll_runner.consumer.METADATA_MAX_AGE_MS": 300,
    "local.poll_runner.consumer.RECONNECT_BACKOFF_MS_MAX": 100,
    "local.poll_runner.loop.CONNECT_RETRY_S": 0.2,
    "local.poll_runner.loop.PROBE_INTERVAL_S": 0.3,
}


def with_own_topic(settings: Settings) -> Settings:
    name = f"poll-{uuid.uuid4().hex[:12]}"
    settings = replace(settings, coupon_topic=name, consumer_group=f"group-{name}")
    ensure_topic(settings, RetryDeadline(WAIT_S, print), partitions=PARTITIONS)
    return settings


def send(
    settings: Settings,
    values: list[bytes | None],
    partition: int | None = None,
    key: bytes | None = None,
    headers: list[tuple[str, bytes]] | None = None,
) -> list[Any]:
    """Send, and return the broker's reply to each record."""
    with closing(KafkaProducer(**connection_options(settings))) as producer:
        sent = [
            producer.send(
                settings.coupon_topic, value, key=key, partition=partition, headers=headers or []
            )
            for value in values
        ]
        return [future.get(timeout=WAIT_S) for future in sent]


def committed(settings: Settings, partition: int) -> int | None:
    options = connection_options(settings) | {"group_id": settings.consumer_group}
    with closing(KafkaConsumer(**options, enable_auto_commit=False)) as consumer:
        offset = consumer.committed(TopicPartition(settings.coupon_topic, partition))
        return None if offset is None else int(offset)


@contextmanager
def polling(
    settings: Settings, handler: Any, keep: Keep = lambda _: False, **options: Any
) -> Iterator[PollRunner]:
    """A runner in this process, to be driven step by step."""
    runner = PollRunner(
        lambda: build_consumer(settings, SESSION_TIMEOUT_MS, timeout_s=60),
        handler,
        PollOptions(settings.coupon_topic, settings.kafka_bootstrap_servers, **options),
        keep,
    )
    with closing(runner):
        yield runner


def drive(runner: PollRunner, until: Callable[[], object]) -> None:
    def step() -> object:
        runner.run_once()
        return until()

    eventually(step, "what the runner was driven to")


@contextmanager
def runner_program(
    settings: Settings, recorded: Path, *arguments: str, handler: str = "record"
) -> Iterator[Program]:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": ",".join(settings.kafka_bootstrap_servers),
        "COUPON_TOPIC": settings.coupon_topic,
        "CONSUMER_GROUP": settings.consumer_group,
        "RECORD_TO": str(recorded),
    }
    handler = f"--handler=tests.support.handlers_for_programs:{handler}"
    words = (handler, *arguments)
    with running_with("local.poll_runner.run", OFTEN, *words, environment=environment) as program:
        yield program


def events_in(recorded: Path) -> list[dict[str, Any]]:
    """The events that are written out; the runner may be amid the line of the next one."""
    if not recorded.exists():
        return []
    written, _, _ = recorded.read_text("utf-8").rpartition("\n")
    return [json.loads(line) for line in written.splitlines()]


def places_in(recorded: Path) -> set[tuple[int, int]]:
    """The partition and offset of every record that was handled."""
    return {
        (record["partition"], record["offset"])
        for event in events_in(recorded)
        for records in event["records"].values()
        for record in records
    }


def places_of(sent: list[Any]) -> set[tuple[int, int]]:
    return {(metadata.partition, metadata.offset) for metadata in sent}


def has_assigned(count: int) -> Callable[[str], bool]:
    def wanted(text: str) -> bool:
        line = json.loads(text)
        return line["message"] == "partitions assigned" and len(line["partitions"]) == count

    return wanted


def says(message: str) -> Callable[[str], bool]:
    return lambda text: json.loads(text)["message"] == message
