"""The context object that Lambda passes to a handler, with a real deadline."""

from __future__ import annotations

import time
from uuid import uuid4

# Invented, in the format of real ones; the programs never send them to AWS.
AWS_ACCOUNT_ID = "123456789012"
AWS_REGION = "us-east-1"
MEMORY_LIMIT_MB = 512


class LambdaContext:
    """The context that a handler may read; the names are AWS's.

    >>> LambdaContext("apply_handler", timeout_s=29).function_name
    'apply_handler'
    """

    __slots__ = ("_aws_request_id", "_deadline_s", "function_name")

    client_context = None
    identity = None
    function_version = "$LATEST"
    memory_limit_in_mb = str(MEMORY_LIMIT_MB)  # AWS's runtime passes it as text

    def __init__(self, function_name: str, timeout_s: float) -> None:
        self._deadline_s = time.monotonic() + timeout_s
        self._aws_request_id = ""
        self.function_name = function_name

    @property
    def aws_request_id(self) -> str:
        """The invocation's id, created at first use, because most handlers do not read it."""
        if not self._aws_request_id:
            self._aws_request_id = str(uuid4())
        return self._aws_request_id

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda would kill this invocation, at least 0."""
        return max(0, int((self._deadline_s - time.monotonic()) * 1000))

    @property
    def invoked_function_arn(self) -> str:
        """The ARN of the invoked function."""
        return f"arn:aws:lambda:{AWS_REGION}:{AWS_ACCOUNT_ID}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """The log group that CloudWatch would use."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        """The stream of this process within the log group."""
        return f"local/[{self.function_version}]"
