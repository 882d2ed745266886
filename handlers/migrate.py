"""The migration as a function: invoked once per deployment, in the network of the servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import log, operations
from handlers.domain.errors import InvalidRequestError
from handlers.edge.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

# More partitions than any consumer group here could use, so a larger number is a typing error.
COUNT_MAX = 1000
# For a call without Lambda's deadline; Lambda itself does not allow more.
SECONDS_MAX = 900


def migrate_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Set up schema, MySQL user, topic and epoch; return what was done.

    The event may give `partitions` and `replication_factor` of a new topic. Safe to repeat; a
    second call waits for the first. Raises an error, so that a deployment stops, when a server
    is unreachable, when the time is over, and when the database is of a newer version.
    """
    partitions, replication = _count(event, "partitions"), _count(event, "replication_factor")
    seconds = min(Deadline.of(context).left_s, SECONDS_MAX)
    request_id = getattr(context, "aws_request_id", "")

    def report(line: str) -> None:
        log.info(line, {"request_id": request_id})

    done = operations.migration().run_within(seconds, report, partitions, replication)
    return {
        "schema": list(done.schema),
        "user": {"name": done.user.name, "done": done.user.done, "flaw": done.user.flaw},
        "topic": {
            "name": done.topic.name,
            "partitions": done.topic.partitions,
            "created": done.topic.created,
        },
        "epoch": done.epoch.name,
    }


def _count(event: Mapping[str, Any], name: str) -> int | None:
    value = event.get(name)
    if value is None or (type(value) is int and 1 <= value <= COUNT_MAX):
        return value
    message = f"{name} must be a whole number from 1 to {COUNT_MAX}"
    raise InvalidRequestError(message)
