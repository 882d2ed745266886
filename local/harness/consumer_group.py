"""Checks that the consumers have partitions: a burst before that would measure a rebalance."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from handlers.adapters.kafka.connection import connection_options
from local.harness.processes import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from handlers.config import Settings
    from local.harness.processes import Running

# The message with which a poll runner logs its new partitions.
ASSIGNED = "partitions assigned"


class NotAssignedError(HarnessError):
    """The consumers are still joining their group."""


def check_runners(runners: Iterable[Running]) -> None:
    """Raise NotAssignedError until each runner of the demo has partitions of its own."""
    assigned: list[Sequence[str]] = []
    for runner in runners:
        runner.check()
        assigned.append(last_assignment(runner.program.log))
    partitions = [partition for each in assigned for partition in each]
    # A partition listed twice is moving now: only the new owner has logged it yet.
    if not all(assigned) or len(set(partitions)) < len(partitions):
        message = "the poll runners have no partitions (do others hold them?)"
        raise NotAssignedError(message)


def last_assignment(log: Path) -> Sequence[str]:
    """Return the partitions in the last assignment of a runner's log."""
    partitions: Sequence[str] = ()
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if ASSIGNED not in line:
            continue
        try:
            partitions = json.loads(line)["partitions"]
        except (ValueError, KeyError):
            continue  # a line that is being written
    return partitions


def check_group(settings: Settings) -> None:
    """Raise NotAssignedError until a consumer, in any process, is a member of the group."""
    group = settings.consumer_group
    try:
        with closing(KafkaAdminClient(**connection_options(settings))) as admin:
            found = admin.describe_groups([group])[group]
    except KafkaError as error:
        servers = ",".join(settings.kafka_bootstrap_servers)
        message = f"Kafka at {servers} gives no reply about {group}: {type(error).__name__}"
        raise NotAssignedError(message) from error
    if not found["members"]:
        message = f"no consumer is in {group}; `make up` starts two"
        raise NotAssignedError(message)
