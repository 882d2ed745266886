"""Schemathesis against the running service: `python -m tests.openapi.explore` (make schemathesis).

It makes requests of the description, right ones and wrong ones, alone and in sequences where one
answer leads to the next request, and compares every answer with the description.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.adapters.migration.topic import ensure_topic
from handlers.api.document import operations
from handlers.config import Settings
from handlers.retry import RetryDeadline
from local.cli import integer
from local.migrate import migrate
from local.servers.embedded import environment_or_embedded
from tests.conftest import WAIT_S, say
from tests.e2e.conftest import chalice_local, gateway, poll_runner
from tests.openapi.prepared import USERS, prepare
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.support.http_client import Client

FOLDER = ROOT / "tests" / "openapi"
DOCUMENT = ROOT / "docs" / "openapi.json"
SCHEMATHESIS = ROOT / ".venv-api" / "bin" / "schemathesis"
SERVERS = {"gateway": gateway, "chalice": chalice_local}
EXIT_NOT_POSSIBLE = 2
TIMEOUT_S = 8 * 3600


@dataclass(frozen=True, slots=True)
class Exploration:
    """examples: cases of each call in each phase. seed: the same one, the same requests.

    arguments: more of schemathesis's own. schema: the description, a file: of one that it fetches
    from the server, schemathesis leaves out the call that gives it.
    """

    examples: int
    seed: int = 1
    arguments: Sequence[str] = ()
    schema: Path = DOCUMENT


def explore(
    client: Client, environment: Mapping[str, str], what: Exploration
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis against a server; exit code 0: it found nothing."""
    values = prepare(client, f"t{uuid.uuid4().hex[:8]}")
    calls = {call for known in values.values() for call in known if call}
    assert calls <= {operation.id for operation in operations().values()}, calls
    url = f"http://127.0.0.1:{client.port}"
    command = [SCHEMATHESIS, "--config-file", FOLDER / "schemathesis.toml", "run"]
    command += [what.schema, "--url", url, "--no-color"]
    command += ["--seed", str(what.seed), "--max-examples", str(what.examples), *what.arguments]
    settings = {
        "AUTH_JWT_SECRET": environment["AUTH_JWT_SECRET"],
        "PYTHONPATH": str(ROOT),
        "SEONCHAK_HOOKS": str(FOLDER / "hooks.py"),
        "SEONCHAK_VALUES": json.dumps(values),
        "SEONCHAK_USERS": ",".join(USERS),
    }
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        timeout=TIMEOUT_S + 600,
    )


def unlimited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a server that lets one user send many requests."""
    return {**environment, "APPLY_RATE_PER_S": "0"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code, which is schemathesis's."""
    options = _parser().parse_args(arguments)
    if not SCHEMATHESIS.exists():
        say(f"{SCHEMATHESIS} is missing: make schemathesis installs it.")
        return EXIT_NOT_POSSIBLE
    with environment_or_embedded("auto", "tansu", say) as found:
        topic = f"coupon_{uuid.uuid4().hex[:12]}"
        own = unlimited({**found, "COUPON_TOPIC": topic, "CONSUMER_GROUP": f"group_{topic}"})
        os.environ.update(own)
        settings = Settings.from_environment(own)
        migrate(settings, RetryDeadline(WAIT_S, say))
        ensure_topic(settings, RetryDeadline(WAIT_S, say))
        with poll_runner(own), SERVERS[options.server](own) as client:
            limit = ["--max-time", str(options.minutes * 60)] if options.minutes else []
            more = [*limit, *options.arguments]
            what = Exploration(options.examples, options.seed, more)
            done = explore(client, own, what)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.openapi.explore",
        description="Compare the running service with its OpenAPI description (schemathesis).",
        epilog="Exit code 0: nothing found. 1: something was. 2: not possible.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--server", choices=SERVERS, default="gateway", help="which home of the handlers")
    add("--examples", type=integer(1), default=200, help="cases of each call in each phase")
    add("--seed", type=integer(0), default=1, help="the same seed: the same requests")
    minutes_help = "go on with other cases until this time is over"
    add("--minutes", type=integer(1, TIMEOUT_S // 60), help=minutes_help)
    add("arguments", nargs="*", help="schemathesis's own arguments, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
