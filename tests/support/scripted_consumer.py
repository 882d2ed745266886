"""A consumer with scripted polls and errors, and a runner on it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from kafka.structs import MemberState, TopicPartition

from local.poll_runner.loop import PollRunner
from local.poll_runner.options import PollOptions
from tests.support.polled import P0, P1, SERVERS

HIGHWATER = 100


class ScriptedConsumer:
    """Returns the polls of a list, one after another; records the calls that it gets."""

    def __init__(self, *polls: Any) -> None:
        self.polls = list(polls)
        self.assigned = {P0, P1}
        self.commits: list[dict[TopicPartition, int]] = []
        self.commit_errors: list[Exception] = []
        self.seeks: list[tuple[TopicPartition, int]] = []
        self.held: set[TopicPartition] = set()
        self.probe_error: Exception | None = None
        self.closed = False

    def subscribe(self, topics: Any) -> None:
        assert topics == ["coupon_create"]

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms >= 0
        assert max_records >= 1
        step = self.polls.pop(0) if self.polls else {}
        if callable(step):
            step = step()
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, dict)
        return step

    def assignment(self) -> set[TopicPartition]:
        return set(self.assigned)

    def highwater(self, partition: TopicPartition) -> int:
        assert partition in self.assigned
        return HIGHWATER

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.seeks.append((partition, offset))

    def pause(self, *partitions: TopicPartition) -> None:
        self.held |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.held -= set(partitions)

    def paused(self) -> set[TopicPartition]:
        return set(self.held)

    def commit(self, offsets: Any, timeout_ms: int) -> None:
        assert timeout_ms > 0
        if self.commit_errors:
            raise self.commit_errors.pop(0)
        self.commits.append({partition: meta.offset for partition, meta in offsets.items()})

    def group_metadata(self) -> Any:
        return SimpleNamespace(state=MemberState.STABLE)

    def beginning_offsets(self, partitions: Any, timeout_ms: int) -> object:
        if self.probe_error is not None:
            raise self.probe_error
        return dict.fromkeys(partitions, timeout_ms)

    def close(self, *, autocommit: bool, timeout_ms: int) -> None:
        assert not autocommit
        assert timeout_ms > 0
        self.closed = True


def runner_of(consumer: ScriptedConsumer, handler: Any, **options: Any) -> PollRunner:
    given = {"batch_window_ms": 0, **options}
    return PollRunner(lambda: consumer, handler, PollOptions("coupon_create", SERVERS, **given))


def succeed(_event: dict[str, Any], _context: Any) -> None:
    return None
