"""Starts Valkey, Kafka and MariaDB without Docker, and prints the settings to export.

When this program ends, even by SIGKILL, all their processes, data and passwords are removed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.config import ConfigurationError, Settings
from handlers.retry import RetryDeadline, SetupError
from local.cli import port
from local.harness.signals import SignalHandler
from local.migrate import migrate
from local.servers import ServerError
from local.servers.embedded import Ports, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# The servers are ready by then: this bounds the setup itself.
MIGRATE_WAIT_S = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 when it was stopped after it was ready."""
    options = _parser().parse_args(arguments)
    signals = SignalHandler()
    signals.install()
    ports = Ports(options.redis_port, options.kafka_port, options.mysql_port)
    ready = False
    try:
        with running_stack(options.kafka, ports, _say) as stack:
            if options.migrate:
                settings = Settings.from_environment(stack.settings)
                migrate(settings, RetryDeadline(MIGRATE_WAIT_S, _say))
            with _env_file(options.env_file, stack.settings):
                ready = True  # before the output: the reader may stop this program at once
                print(exports(stack.settings), end="", flush=True)
                _say("ready; Ctrl-C stops the servers and removes their data")
                while True:
                    signal.pause()
    except KeyboardInterrupt:
        _say("stopped; everything is removed")
        return 0 if ready else signals.exit_code
    except (ServerError, SetupError, ConfigurationError, OSError) as error:
        _say(f"stack: {error}")
        return 1


def exports(settings: Mapping[str, str]) -> str:
    """Return the settings as lines for a shell: export NAME='value'."""
    quote = "'\\''"
    return "".join(
        f"export {name}='{value.replace(chr(39), quote)}'\n" for name, value in settings.items()
    )


@contextmanager
def _env_file(path: Path | None, settings: Mapping[str, str]) -> Iterator[None]:
    """Write the settings to a file that only its owner can read; remove it after the block."""
    if path is None:
        yield
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(exports(settings))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.stack",
        description=__doc__,
        epilog="In another terminal: . FILE (of --env-file), then python -m local.<name>.",
    )
    parser.add_argument(
        "--kafka",
        choices=("tansu", "apache"),
        default="tansu",
        help="tansu: up at once, in memory only; apache: the real Kafka, needs Java and Maven",
    )
    for server in ("redis", "kafka", "mysql"):
        parser.add_argument(
            f"--{server}-port", type=port, metavar="PORT", help="default: a free one"
        )
    parser.add_argument(
        "--no-migrate",
        dest="migrate",
        action="store_false",
        help="leave the servers empty: no schema, no topic",
    )
    parser.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="write the settings there too, once ready; removed at the end",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
