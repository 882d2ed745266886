"""The context that a handler is given."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID

from local.lambda_context import LambdaContext

if TYPE_CHECKING:
    import pytest


def test_the_deadline_of_a_context_runs_down_to_zero_and_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    context = LambdaContext("apply_handler", timeout_s=29)
    assert context.get_remaining_time_in_millis() == 29_000
    now_s[0] += 28.5
    assert context.get_remaining_time_in_millis() == 500
    now_s[0] += 60
    assert context.get_remaining_time_in_millis() == 0


def test_a_context_has_what_lambda_gives() -> None:
    context = LambdaContext("apply_handler", timeout_s=29)
    assert context.function_name == "apply_handler"
    assert context.function_version == "$LATEST"
    assert context.invoked_function_arn.endswith(":function:apply_handler")
    assert context.memory_limit_in_mb.isdecimal()
    assert UUID(context.aws_request_id) == UUID(context.aws_request_id)
    assert context.log_group_name == "/aws/lambda/apply_handler"
    assert context.log_stream_name
    assert context.identity is None
    assert context.client_context is None
