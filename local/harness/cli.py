"""How the programs that run a check end: exit codes and messages."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from local.harness.signals import SignalHandler

if TYPE_CHECKING:
    from collections.abc import Callable


def run(name: str, show: Callable[[SignalHandler], bool]) -> int:
    """Run `show` and return the exit code: 0 only when it returned True.

    1 also after an error that explains itself, which is printed; 130 or 143 after a signal.
    """
    signals = SignalHandler()
    signals.install()
    try:
        expected = _expected_errors()
        try:
            return 0 if show(signals) else 1
        except expected as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    except KeyboardInterrupt:
        print(f"{name}: stopped; nothing is left running", file=sys.stderr)
        return signals.exit_code


def _expected_errors() -> tuple[type[Exception], ...]:
    """Return the errors whose message is enough for the operator, without a traceback."""
    # Imported here: --help need not wait for the clients of every server.
    from handlers.config import ConfigurationError  # noqa: PLC0415
    from handlers.domain.errors import ServiceError  # noqa: PLC0415
    from handlers.retry import SetupError  # noqa: PLC0415
    from local.harness.processes import HarnessError  # noqa: PLC0415
    from local.servers import ServerError  # noqa: PLC0415

    ours = (HarnessError, ServerError, SetupError, ConfigurationError, ServiceError)
    return (*ours, OSError, subprocess.SubprocessError)
