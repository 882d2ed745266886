"""What the poll runner does at a batch that it cannot read: keep it, wait, or pass it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka.structs import TopicPartition

from handlers.log import error_fields
from local.json_log import log_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.domain.record import UnreadableBatch
    from local.poll_runner.backoff import Backoff
    from local.poll_runner.offsets import PendingCommits
    from local.poll_runner.protocol import Consumer

    # Stores the bytes of a batch; returns whether an operator has decided to skip it.
    Keep = Callable[[UnreadableBatch], bool]


def meet(
    consumer: Consumer, batch: UnreadableBatch, keep: Keep, backoff: Backoff, done: PendingCommits
) -> None:
    """Store the batch; go on behind it if it is skipped, otherwise let its partition wait.

    The other partitions go on meanwhile: the runner pauses what waits.
    """
    partition = TopicPartition(batch.topic, batch.partition)
    fields: dict[str, object] = {"place": batch.place, "cause": batch.cause}
    try:
        is_skipped = keep(batch)
    except Exception as error:  # noqa: BLE001 - MySQL may be down; it is asked again
        is_skipped, fields = False, fields | error_fields(error)
    if not is_skipped:
        retries_in_s = round(backoff.failed(partition), 2)
        log_event("ERROR", "unreadable batch", **fields, retries_in_s=retries_in_s)
    elif partition in consumer.assignment():
        highwater = consumer.highwater(partition)
        following = batch.following if highwater is None else min(batch.following, highwater)
        consumer.seek(partition, following)
        done.note(partition, following)
        backoff.succeeded(partition)
        log_event("WARNING", "unreadable batch skipped", **fields, next_offset=following)
