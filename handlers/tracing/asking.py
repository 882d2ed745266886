"""Asks a server for several requests at once; each gets its own reply, and its own error."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from handlers.tracing.current import now_ns
from handlers.tracing.request import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from handlers.tracing.request import RequestTrace
    from handlers.tracing.span import Step

Request = TypeVar("Request")
Reply = TypeVar("Reply")


def ask(
    server: Callable[[list[Request]], Sequence[Reply]],
    requests: list[Request],
    step: Step | None = None,
    traces: Iterable[RequestTrace | None] = (),
) -> Sequence[Reply | Exception]:
    """Return a server's reply to each request; what it raises is the reply to all of them.

    step, traces: what this is in the trace of each request; step None: the sending of records.
    """
    begun_ns = now_ns()
    replies: Sequence[Reply | Exception]
    try:
        replies = server(requests)
    except Exception as error:  # noqa: BLE001 - the scope of each request turns it into a response
        replies = [error] * len(requests)
    if len(replies) != len(requests):
        # Before any is used: with one too few, an applicant could get the serial of another.
        message = f"{len(replies)} replies to {len(requests)} requests"
        raise ValueError(message)
    if begun_ns:
        note(step, traces, replies, begun_ns)
    return replies
