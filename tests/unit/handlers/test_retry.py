"""Retries while servers are still starting."""

from __future__ import annotations

import pytest

from handlers.retry import RetryDeadline, ServerUnreachableError

WAIT_S = 30.0


def test_a_server_that_comes_up_late_is_waited_for_and_reported() -> None:
    said: list[str] = []
    failures = [ConnectionError("first"), ConnectionError("second")]

    def ask() -> str:
        if failures:
            raise failures.pop()
        return "answer"

    found = RetryDeadline(WAIT_S, said.append).retry_until_ready(
        "Redis", ask, lambda error: isinstance(error, ConnectionError)
    )
    assert found == "answer"
    assert said == ["waiting for Redis …"]


def test_waiting_ends_at_the_deadline_with_the_last_error() -> None:
    def ask() -> None:
        message = "refused"
        raise ConnectionError(message)

    with pytest.raises(
        ServerUnreachableError, match=r"Redis is out of reach \(0.3 s waited\): refused"
    ):
        RetryDeadline(0.3, lambda _: None).retry_until_ready("Redis", ask, lambda _: True)
