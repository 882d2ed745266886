"""A Lambda function: the unpacked zip, run by AWS's own runtime client in a bare interpreter."""

from __future__ import annotations

import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from local.lambda_function.runtime_api import InvocationOutcome, NoOutcomeError, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

# -I and -S: no variables or folder of the caller, no installed package. Then the zip
# comes first and Lambda's own folder after it, as in AWS.
START = (
    "import sys; sys.path[:0] = sys.argv[1:3]; "
    "from awslambdaric.__main__ import main; main(['bootstrap', sys.argv[3]])"
)
WAIT_S = 30.0
# The contents of Lambda's own folders: its runtime client, and boto3 with its dependencies.
LAMBDA_BRINGS = (
    "awslambdaric",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "runtime_client*",
    "s3transfer",
    "simplejson",
    "six.py",
    "snapshot_restore_py.py",
    "urllib3",
)
# The variables of the caller's environment that the function gets: its settings.
SETTINGS = (
    "STAGE",
    "REDIS_URL",
    "REDIS_CLUSTER",
    "REDIS_EPOCH",
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_SECURITY",
    "KAFKA_ACK_TIMEOUT_MS",
    "DATABASE_URL",
    "MIGRATION_DATABASE_URL",
    "AUTH_JWT_SECRET",
    "COUPON_CODE_SECRET",
    "CHALLENGE_SECRET",
    "WEBHOOK_SECRET",
    "WEBHOOK_INTERNAL",
    "COUPON_TOPIC",
    "CONSUMER_GROUP",
    "PENDING_RESEND_AFTER_S",
    # Lambda puts the credentials of the function's role here.
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ENDPOINT_URL_S3",
)


class Function:
    """One execution environment of a function; it runs inside the block."""

    def __init__(
        self,
        handler: str,
        tree: Path,
        lambda_folder: Path,
        settings: Mapping[str, str],
        log: Path,
    ) -> None:
        """Take the unpacked package, and a folder that `fill_lambda_folder` has filled."""
        self._handler = handler
        self._command = [sys.executable, "-I", "-S", "-c", START]
        self._command += [str(tree), str(lambda_folder), handler]
        self._tree = tree
        self._settings = {name: settings[name] for name in SETTINGS if name in settings}
        self._log = log

    def __enter__(self) -> Self:
        """Start it."""
        name = self._handler.rpartition(".")[2]
        self._api = RuntimeApi(name)
        environment = {
            "AWS_EXECUTION_ENV": "AWS_Lambda_python{}.{}".format(*sys.version_info[:2]),
            "AWS_LAMBDA_FUNCTION_NAME": f"seonchak-test-{name}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/seonchak-test-{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[$LATEST]0",
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_REGION": "us-east-1",
            "LAMBDA_TASK_ROOT": str(self._tree),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/bin:/bin",
            "TZ": ":UTC",
            "_HANDLER": self._handler,
            **self._settings,
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._tree,
                env=environment,
                start_new_session=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait(WAIT_S)
        self._api.close()

    def invoke(self, event: dict[str, Any]) -> InvocationOutcome:
        """Return the outcome of an event."""
        sent_id = self._api.put(event)
        request_id, outcome = self._outcome()
        if request_id not in {sent_id, ""}:
            message = f"the outcome of another event: {outcome}"
            raise NoOutcomeError(message)
        return outcome

    def init_error(self) -> InvocationOutcome:
        """Return the error that ended the function before its first event."""
        return self._outcome()[1]

    def await_init(self) -> None:
        """Return when the init phase is over: the runtime asks for its first event."""
        if not self._api.is_asked.wait(WAIT_S):
            message = f"no end of the init phase within {WAIT_S:.0f} s"
            raise NoOutcomeError(message)

    def cpu_s(self) -> float:
        """Return the processor time of the process with all its threads so far; Linux only."""
        # The kernel's number of another process's clock, as clock_getcpuclockid(3) gives it.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def freeze(self) -> None:
        """Stop every thread, as Lambda does between two events."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let all threads continue."""
        self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        """Return the log so far."""
        return self._log.read_text("utf-8", "replace")

    def _outcome(self) -> tuple[str, InvocationOutcome]:
        try:
            return self._api.outcome(lambda: self._process.poll() is None)
        except NoOutcomeError as error:
            error.add_note(self.log())
            raise


def fill_lambda_folder(folder: Path) -> None:
    """Link the packages that Lambda provides, and no others, from this interpreter's.

    Raises FileNotFoundError where one is not installed (requirements/dev.txt).
    """
    installed = Path(sysconfig.get_path("purelib"))
    for pattern in LAMBDA_BRINGS:
        found = list(installed.glob(pattern))
        if not found:
            message = f"{pattern} is not installed in {installed}"
            raise FileNotFoundError(message)
        for path in found:
            (folder / path.name).symlink_to(path)
