"""Lambda's event source mapping for Kafka, as a loop: poll, invoke, commit or retry."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import MemberState, TopicPartition

from handlers.adapters.kafka.fetched_records import UnreadableBatchError
from handlers.gc_pause import gc_paused
from handlers.log import error_fields
from local.json_log import log_event
from local.lambda_context import LambdaContext
from local.poll_runner.backoff import Backoff
from local.poll_runner.batch import Batch, count_batch, lowest_failures
from local.poll_runner.connectivity import ConnectivityLog
from local.poll_runner.consumer import FATAL_ERRORS, workaround_drained_partition
from local.poll_runner.event import kafka_event, partition_name
from local.poll_runner.offsets import PendingCommits
from local.poll_runner.unreadable import meet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.poll_runner.options import PollOptions
    from local.poll_runner.protocol import Consumer
    from local.poll_runner.unreadable import Keep

# Lambda's limit for the payload of an invocation.
EVENT_BYTES_MAX = 6 * 1024 * 1024
# How long one poll may wait, and so how long a stop signal waits when no record comes.
POLL_MS_MAX = 500
CLOSE_TIMEOUT_MS = 5_000
# A member that is still joining has no partition to give back; the brokers forget it.
CLOSE_UNJOINED_TIMEOUT_MS = 500
CONNECT_RETRY_S = 1.0
# kafka-python does not report an outage while it polls, so an idle runner probes Kafka.
PROBE_INTERVAL_S = 5.0
PROBE_TIMEOUT_MS = 2_000


class PollRunner:
    """One poller: brings the records of one topic to one handler, at least once, in order."""

    def __init__(
        self,
        consumer_factory: Callable[[], Consumer],
        handler: Callable[[dict[str, Any], Any], Any],
        options: PollOptions,
        keep: Keep = lambda _: False,
    ) -> None:
        """Take what to call, and what stores a batch that cannot be read."""
        self._consumer_factory = consumer_factory
        self._consumer: Consumer | None = None
        self._handler = handler
        self._options = options
        self._keep = keep
        self._backoff = Backoff()
        self._done = PendingCommits()
        self._assigned: set[TopicPartition] = set()
        self._connectivity = ConnectivityLog(",".join(options.bootstrap_servers))
        self._stopping = threading.Event()
        self._idle_since_s: float | None = None
        self._probe_at_s = 0.0
        self._record_bytes = 0.0  # of the last batch, on average

    def stop(self) -> None:
        """Let `run` end after the current batch. A signal handler may call this."""
        self._stopping.set()

    def run(self) -> None:
        """Run until `stop`, or until no record came for `idle_exit_s`; leave the group."""
        try:
            while not self._stopping.is_set() and not self._idle_too_long():
                self.run_once()
        finally:
            self.close()

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        if self._consumer is not None:
            with suppress(KafkaError):  # an unreachable broker forgets the member by itself
                joined = bool(self._assigned)
                timeout_ms = CLOSE_TIMEOUT_MS if joined else CLOSE_UNJOINED_TIMEOUT_MS
                self._consumer.close(autocommit=False, timeout_ms=timeout_ms)
            self._consumer = None

    def run_once(self) -> bool:
        """Collect one batch and invoke the handler; return whether there was a batch.

        Transient errors of Kafka are logged, once per outage; FATAL_ERRORS are raised.
        """
        try:
            if self._consumer is None:
                self._consumer = self._consumer_factory()
                self._consumer.subscribe([self._options.topic])
                self._connectivity.succeeded()
            batch = self._collect(self._consumer)
            if len(batch):
                self._invoke(self._consumer, batch)
            else:
                self._commit(self._consumer)
                self._probe(self._consumer)
        except FATAL_ERRORS:
            raise
        except UnreadableBatchError as error:
            if self._consumer is not None:
                meet(self._consumer, error.batch, self._keep, self._backoff, self._done)
            return False
        except KafkaError as error:
            self._connectivity.failed(error)
            self._stopping.wait(CONNECT_RETRY_S)
            return False
        return bool(len(batch))

    def _collect(self, consumer: Consumer) -> Batch:
        """Poll until the batch is full or its window has passed, as Lambda does."""
        batch = Batch(self._options.batch_size, EVENT_BYTES_MAX, self._record_bytes)
        window_end_s: float | None = None
        while True:
            self._pause_waiting(consumer)
            try:
                polled = consumer.poll(
                    timeout_ms=self._poll_ms(window_end_s), max_records=max(1, batch.room)
                )
            except KafkaError:
                if not len(batch):
                    raise
                return batch  # these would not come again, and the error does
            self._follow_assignment(consumer, batch)
            left = batch.add(polled)
            for partition, offset in left.items():
                self._seek(consumer, partition, offset)
            if window_end_s is None:
                window_end_s = time.monotonic() + self._options.batch_window_ms / 1000
            complete = left or batch.room == 0 or time.monotonic() >= window_end_s
            if complete or not len(batch) or self._stopping.is_set():
                self._record_bytes = batch.record_bytes
                return batch

    def _poll_ms(self, window_end_s: float | None) -> int:
        waits_ms = [POLL_MS_MAX]
        if window_end_s is not None:
            waits_ms.append(int((window_end_s - time.monotonic()) * 1000))
        if (due_s := self._backoff.next_due_in_s()) is not None:
            waits_ms.append(int(due_s * 1000) + 1)
        return max(0, min(waits_ms))

    def _pause_waiting(self, consumer: Consumer) -> None:
        """Pause the partitions that wait for a retry; polling goes on and keeps the membership."""
        workaround_drained_partition(consumer)
        waiting, assigned = self._backoff.waiting(), consumer.assignment()
        consumer.resume(*(consumer.paused() - waiting))
        consumer.pause(*(waiting & assigned))

    def _follow_assignment(self, consumer: Consumer, batch: Batch) -> None:
        """Forget the state of all partitions that are assigned to other consumers."""
        assigned = consumer.assignment()
        batch.keep_only(assigned)
        self._backoff.keep_only(assigned)
        self._done.keep_only(assigned)
        if assigned != self._assigned:
            self._assigned = assigned
            names = sorted(map(partition_name, assigned))
            log_event("INFO", "partitions assigned", partitions=names)

    @gc_paused()  # from the event on; not around the poll, where kafka-python needs the collector
    def _invoke(self, consumer: Consumer, batch: Batch) -> None:
        options, started_s = self._options, time.monotonic()
        event = kafka_event(batch.records, options.bootstrap_servers, options.source)
        context = LambdaContext(getattr(self._handler, "__name__", "handler"), options.timeout_s)
        problem: dict[str, object] = {}
        try:
            failures = lowest_failures(self._handler(event, context), batch)
            result = "partial" if failures else "success"
        except Exception as error:  # noqa: BLE001 - as in Lambda, any exception fails the batch
            failures, result = batch.first_offsets(), "failed"
            problem = error_fields(error)
        duration_s = time.monotonic() - started_s
        count_batch(result, duration_s)
        if duration_s > options.timeout_s:
            problem["timeout_s_exceeded"] = options.timeout_s
        retries_in_s = self._settle(consumer, batch, failures)
        log_event(
            "WARNING" if failures or problem else "INFO",
            "batch",
            result=result,
            records=len(batch),
            partitions={
                partition_name(partition): [records[0].offset, records[-1].offset]
                for partition, records in batch.records.items()
            },
            duration_ms=round(duration_s * 1000, 1),
            request_id=context.aws_request_id,
            **({"retries_in_s": retries_in_s} if retries_in_s else {}),
            **problem,
        )

    def _settle(
        self, consumer: Consumer, batch: Batch, failures: Mapping[TopicPartition, int]
    ) -> dict[str, float]:
        """Commit what is done, seek back to the failures; return the waits until the retries."""
        self._idle_since_s = None
        waits_s: dict[str, float] = {}
        first_offsets = batch.first_offsets()
        for partition, next_offset in batch.next_offsets().items():
            done = failures.get(partition, next_offset)
            if done > first_offsets[partition]:
                self._done.note(partition, done)
            if partition in failures:
                self._seek(consumer, partition, done)
                waits_s[partition_name(partition)] = round(self._backoff.failed(partition), 2)
            else:
                self._backoff.succeeded(partition)
        self._commit(consumer)
        return waits_s

    def _commit(self, consumer: Consumer) -> None:
        try:
            self._done.commit(consumer)
        except FATAL_ERRORS:
            raise
        except KafkaError as error:  # still in _done, and tried again after the next poll
            self._connectivity.failed(error)

    def _seek(self, consumer: Consumer, partition: TopicPartition, offset: int) -> None:
        if partition in consumer.assignment():
            consumer.seek(partition, offset)

    def _probe(self, consumer: Consumer) -> None:
        """Send Kafka a request when no record came for a while."""
        now_s = time.monotonic()
        if now_s < self._probe_at_s:
            return
        self._probe_at_s = now_s + PROBE_INTERVAL_S
        topic = self._options.topic
        try:
            consumer.beginning_offsets([TopicPartition(topic, 0)], timeout_ms=PROBE_TIMEOUT_MS)
        except KafkaTimeoutError as error:
            message = f"no answer about the topic {topic}; does it exist?"
            raise KafkaTimeoutError(message) from error
        self._connectivity.succeeded()

    def _idle_too_long(self) -> bool:
        """Tell whether the runner is a member and has been idle for `idle_exit_s`."""
        limit_s, consumer = self._options.idle_exit_s, self._consumer
        if limit_s is None or consumer is None:
            return False
        joined = consumer.group_metadata().state == MemberState.STABLE
        now_s = time.monotonic()
        if not joined or self._connectivity.lost or self._backoff.troubled():
            self._idle_since_s = None
            return False
        if self._idle_since_s is None:
            self._idle_since_s = now_s
        return now_s - self._idle_since_s >= limit_s
