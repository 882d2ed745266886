"""Measure what one warm invocation costs, by its outcome: CPU and wall-clock time.

    python bench/invocation_cost.py [--tree DIR …] [--rounds 3] [--calls 1001] [--json]

The handlers are called directly, one call after another, as Lambda calls them, on Valkey, Kafka
and MariaDB that this program starts. CPU is that of the calling process with all its threads,
not the servers'. Each --tree is a checkout whose handlers are measured; several take turns, so
that other load on the machine affects all of them. Each value is the lowest of all rounds,
the least disturbed one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from handlers.config import Settings  # noqa: E402
from handlers.retry import RetryDeadline, SetupError  # noqa: E402
from local.migrate import migrate  # noqa: E402
from local.servers import ServerError  # noqa: E402
from local.servers.embedded import running_stack  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDS = 3
# One more winner than the rejection cache stores: with so many, Redis decides about each user.
CALLS = 1001
ROUND_TIMEOUT_S = 600
MIGRATE_WAIT_S = 60
INTERRUPTED = 130  # 128 + SIGINT, as in a shell

Metrics = dict[str, dict[str, float]]  # by outcome: cpu_us and clock_us


def main() -> int:
    """Print a table or JSON; exit code 1 when a call has an unexpected result."""
    parser = _parser()
    options = parser.parse_args()
    if options.rounds < 1 or options.calls < CALLS:
        parser.error(f"at least one round, and {CALLS} calls")
    # Both stop the servers and the current round; a script's `&` ignores SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        rounds = _measure(options.tree or [HERE], options.rounds, options.calls)
    except (SetupError, ServerError, subprocess.SubprocessError) as error:
        print(f"invocation_cost: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    lowest = {tree: _lowest(metrics) for tree, metrics in rounds.items()}
    print(json.dumps(lowest, indent=2) if options.json else _table(lowest))
    return 0


def _measure(trees: list[Path], rounds: int, calls: int) -> dict[str, list[Metrics]]:
    measured: dict[str, list[Metrics]] = {str(tree): [] for tree in trees}
    with running_stack(report=_say) as stack:
        environment = environment_of(os.environ | stack.settings)
        migrate(Settings.from_environment(environment), RetryDeadline(MIGRATE_WAIT_S, _say))
        for number in range(1, rounds + 1):
            for tree in trees:
                _say(f"round {number} of {rounds}: {tree} …")
                measured[str(tree)].append(one_round(tree, calls, environment))
    return measured


def environment_of(servers: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a round on `servers`.

    One user may come twice within a second here; the rate limit is not measured.
    """
    return {**servers, "APPLY_RATE_PER_S": "1000000"}


def one_round(tree: Path, calls: int, environment: Mapping[str, str]) -> Metrics:
    """Produce every outcome `calls` times in a process of its own; return the cost of each."""
    done = subprocess.run(
        [sys.executable, str(HERE / "bench" / "invocation_round.py"), str(calls)],
        env={**environment, "PYTHONPATH": str(tree.resolve())},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=ROUND_TIMEOUT_S,
    )
    metrics: Metrics = json.loads(done.stdout)
    return metrics


def _lowest(rounds: list[Metrics]) -> Metrics:
    return {
        outcome: {unit: min(one[outcome][unit] for one in rounds) for unit in units}
        for outcome, units in rounds[0].items()
    }


def _table(lowest: dict[str, Metrics]) -> str:
    trees = list(lowest)
    lines = [
        "| µs per call | " + " | ".join(f"CPU, {tree} | clock" for tree in trees) + " |",
        "| --- |" + " ---: | ---: |" * len(trees),
    ]
    for outcome in lowest[trees[0]]:
        columns = [lowest[tree][outcome] for tree in trees]
        cells = [f"{one['cpu_us']:,.0f} | {one['clock_us']:,.0f}" for one in columns]
        lines.append(f"| {outcome} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tree", type=Path, action="append", help="a checkout; may be repeated")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default: {ROUNDS}")
    parser.add_argument(
        "--calls", type=int, default=CALLS, help=f"of each outcome in a round; default: {CALLS}"
    )
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
