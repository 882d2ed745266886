"""Fuzzes the HTTP interface on embedded servers: `make fuzz`.

A tenth of the requests are tokens with good signatures that say odd things: none may be accepted
that breaks a rule. Half of the rest go as events to the handlers directly, the other half as bytes
over sockets to the gateway. None may get a 500, nor a response that reveals internals. Then clients
that are slow, never read, or hoard connections attack the gateway one after the other: all others
must be served meanwhile, and the gateway must get its connections back.
"""

# ruff: noqa: T201 - a command-line program prints

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import ExitStack, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.config import Settings
from handlers.retry import RetryDeadline, SetupError
from local.cli import integer
from local.migrate import migrate
from local.servers import ServerError
from local.servers.embedded import environment_or_embedded
from tests.fuzz import connection_layer, handler_layer, token_layer, wire_layer
from tests.fuzz.cluster import EVERYTHING, fill_servers, reset_wiring, secrets_of
from tests.fuzz.hostile_clients import affordable
from tests.fuzz.tally import Tally
from tests.support.programs import running

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REQUESTS = 20_000
REQUESTS_MAX = 10_000_000
FOLDER = Path("out/fuzz")
PROGRESS_EVERY_S = 5.0
WAIT_S = 60.0
# More than a gateway of two processes takes: 2 x 8,192 connections, and the backlog.
HOARDED = 18_500
FAULTY, CANNOT_RUN, INTERRUPTED = 1, 2, 130  # 130: 128 + SIGINT, as in a shell


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; exit code 0: no fault, 1: faults, 2: it could not run."""
    options = _parser().parse_args(arguments)
    print(f"{options.requests} requests, seed {options.seed} …", flush=True)
    started, tally, interrupted = time.monotonic(), Tally(options.seed), False
    folder = options.json.parent if options.json else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _run(options.requests, options.hoard, tally, folder)
    except KeyboardInterrupt:
        interrupted = True
    except (ServerError, SetupError) as error:
        print(f"fuzz: {error}", file=sys.stderr)
        return CANNOT_RUN
    path = options.json or FOLDER / f"{options.seed}-{options.requests}.json"
    tally.write(path, time.monotonic() - started)
    _summarize(tally, time.monotonic() - started)
    if tally.fault_count:
        print(f"play it again: make fuzz N={options.requests} SEED={options.seed}")
    print(path)
    if interrupted:
        return INTERRUPTED
    return FAULTY if tally.fault_count else 0


def _run(requests: int, hoard: int, tally: Tally, folder: Path) -> None:
    tokens = requests // 10
    half = (requests - tokens) // 2
    with ExitStack() as stack:
        log = stack.enter_context((folder / "handlers.log").open("w", encoding="utf-8"))
        gateway_log = stack.enter_context((folder / "gateway.log").open("w", encoding="utf-8"))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        environment = stack.enter_context(environment_or_embedded("embedded", report=_say))
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = Settings.from_environment(environment)
        migrate(settings, RetryDeadline(WAIT_S, _say))
        secrets = secrets_of(settings)
        with redirect_stderr(log):  # a line for each request; the terminal shows the progress only
            reset_wiring(patch)
            stack.callback(wiring.reset)
            fill_servers()
            seed = tally.seed
            _follow(token_layer.run(tokens, seed, settings, tally), tokens, token_layer.LAYER)
            _follow(handler_layer.run(half, seed, secrets, tally), half, handler_layer.LAYER)
        rest = requests - tokens - half
        with running("local.serve", "--port=0", environment=environment | EVERYTHING) as program:
            line = program.out.until(lambda line: "listening on" in line)
            workers, port = program.children, int(line.rpartition(":")[2])
            _follow(wire_layer.run(rest, seed, port, secrets, tally), rest, wire_layer.LAYER)
            if hoard and sys.platform != "linux":
                _say("connections: not attacked, which needs Linux")
            elif hoard:
                for line in connection_layer.run(affordable(hoard), port, workers, tally):
                    _say(f"{connection_layer.LAYER}: {line}")
            if program.children != workers:
                tally.blame(wire_layer.LAYER, "", ["a worker of the gateway died"])
            code = program.stop()
            tally.blame(wire_layer.LAYER, "SIGTERM", [f"exit code {code}"] if code else [])
        gateway_log.writelines(f"{line}\n" for line in program.err.seen)


def _follow(progress: Iterable[int], total: int, layer: str) -> None:
    shown_at = time.monotonic()
    for done in progress:
        if time.monotonic() - shown_at >= PROGRESS_EVERY_S or done >= total:
            shown_at = time.monotonic()
            print(f"{layer}: {done}/{total} requests", flush=True)


def _summarize(tally: Tally, seconds: float) -> None:
    for fault in tally.faults:
        print(f"\n{fault.layer}: {', '.join(fault.faults)}\n  {fault.request}")
    print()
    for response, number in sorted(tally.responses.items()):
        print(f"{response:>20} {number:>8}")
    print(f"{tally.total} requests in {seconds:.0f} s, {tally.fault_count} answers at fault")


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz.campaign",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--requests",
        type=integer(1, REQUESTS_MAX),
        default=REQUESTS,
        help="how many, over all layers",
    )
    hoard_help = "connections that one address tries to take; 0: no attacks on connections"
    add("--hoard", type=integer(0), default=HOARDED, help=hoard_help)
    add("--seed", type=int, default=1, help="decides what is sent")
    add("--json", type=Path, metavar="FILE", help="where the results go (default: out/fuzz/…)")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    sys.exit(main())
