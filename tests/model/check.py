"""Verify the model of the protocol with Spin, and show that it notices every missing guard."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tests.model.case import SAFETY, Case
from tests.model.cases import PROTOCOL
from tests.model.mutants import MUTANTS

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
MEMORY_MB_MAX = 4000
DEPTH_MAX = 1_000_000  # steps of one history; a search that would need more fails
SEARCH_S_MAX = 600  # the longest takes some 40 s; a machine under full load needs more
FAIR_BYTES = 4  # Spin needs this for fairness among a dozen processes
KILLS = 2  # in liveness: this many kills and outages, then quiet
TOLD_LINES_MAX = 80
INTERRUPTED = 130  # the shell's exit code for Ctrl-C
# Spin's own lines between the model's sentences when it replays a history.
NOISE = re.compile(r"^\s*$|^\t|^spin: |^ltl |^\s*\d+:|#processes|processes created|^Never claim")


class CheckError(Exception):
    """The check could not be completed."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one search. `violated` is empty when the property holds everywhere."""

    states: int
    seconds: float
    violated: str
    history: Sequence[str]


def main() -> int:
    """Run the chosen cases; 0 when the protocol holds everywhere and every mutant is caught."""
    options = _options()
    chosen = [c for c in (*PROTOCOL, *MUTANTS) if not options.only or c.name in options.only]
    if options.list:
        for case in chosen:
            _say(f"{case.name:<17} {case.about:<56} {case.defines}")
        return 0
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        _require_tools()
        return _check(chosen, tell=options.tell)
    except CheckError as error:
        sys.stderr.write(f"model: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("model: interrupted\n")
        return INTERRUPTED


def _options() -> argparse.Namespace:
    names = [case.name for case in (*PROTOCOL, *MUTANTS)]
    parser = argparse.ArgumentParser(
        prog="tests/model/check.py",
        description=f"{__doc__} Exit code 0: all as it should be; 1: not; 2: could not be checked.",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=names, help="these cases alone (see --list)"
    )
    parser.add_argument("--tell", action="store_true", help="tell every counterexample in words")
    parser.add_argument("--list", action="store_true", help="the cases, without running them")
    return parser.parse_args()


def _check(cases: Sequence[Case], *, tell: bool) -> int:
    started_s = time.monotonic()
    failures = states = 0
    heading = ""
    for case in cases:
        kind = "guard removed" if case.is_mutant else "protocol"
        if kind != heading:
            heading = kind
            _say(f"\n{kind:<17} {'':<56} {'property':<20} {'states':>11} {'s':>6}  verdict")
        _say(f"{case.name:<17} {case.about:<56} {case.shows:<20} ", end="")
        result = _search(case)
        failed = bool(result.violated) != case.is_mutant
        failures += failed
        states += result.states
        _say(f"{result.states:>11,} {result.seconds:>6.1f}  {_verdict(case, result)}")
        if failed or tell:
            for line in result.history:
                _say(f"{'':<17} {line}")
    _say(
        f"\n{len(cases)} searches, {states:,} states, {time.monotonic() - started_s:.0f} s: ",
        end="",
    )
    _say(f"{failures} NOT as it should be" if failures else "all as it should be")
    return 1 if failures else 0


def _verdict(case: Case, result: Result) -> str:
    if case.is_mutant:
        return f"caught by {result.violated}" if result.violated else "NOT CAUGHT"
    return f"VIOLATED: {result.violated}" if result.violated else "holds"


def _search(case: Case) -> Result:
    """Build the verifier of one case in a folder of its own and run it to the end."""
    # A mutant's counterexample is searched breadth first, which finds the shortest.
    shortest = case.is_mutant and case.formula == SAFETY
    with tempfile.TemporaryDirectory(prefix="model-") as name:
        folder = Path(name)
        for source in HERE.glob("*.pml"):
            shutil.copy(source, folder)
        defines = [f"-D{define}" for define in case.defines.split()]
        if case.formula:
            defines += ["-DLIVE", f"-DKILLS={KILLS}"]
        if shortest:
            defines.append("-DSHORTEST")
        compiled = [f"-DMEMLIM={MEMORY_MB_MAX}"]
        compiled += [f"-DNFAIR={FAIR_BYTES}"] if case.formula else ["-DSAFETY"]
        compiled += ["-DBFS"] if shortest else []
        search = [] if shortest else [f"-m{DEPTH_MAX}"]
        search += ["-a", "-f", "-N", case.formula] if case.formula else []
        _run(["spin", *defines, "-a", "coupon.pml"], folder)
        # A mutant's search ends before a better compiled one would start.
        optimise = "-O1" if case.is_mutant else "-O2"
        _run(["cc", optimise, "-w", *compiled, "-o", "pan", "pan.c"], folder)
        started_s = time.monotonic()
        output = _run(["./pan", *search], folder)
        seconds = time.monotonic() - started_s
        states, violated = _read(case, output)
        history = _history(folder, defines) if violated else []
        return Result(states, seconds, violated, history)


def _read(case: Case, output: str) -> tuple[int, str]:
    """Return the number of states and the violation; CheckError unless all was searched."""
    stored = re.search(r"(\d+) states, stored", output)
    errors = re.search(r"errors: (\d+)", output)
    complete = "Search not completed" not in output and "depth too small" not in output
    if not stored or not errors or (errors[1] == "0" and not complete):
        message = f"{case.name}: the search came to no end:\n{output[-2000:]}"
        raise CheckError(message)
    if errors[1] == "0":
        return int(stored[1]), ""
    assertion = re.search(r"assertion violated +!\((\w+)\)", output)
    if assertion:
        return int(stored[1]), assertion[1]
    if case.formula and "acceptance cycle" in output:
        return int(stored[1]), case.formula
    message = f"{case.name}: an error of the model itself:\n{output[:2000]}"
    raise CheckError(message)


def _history(folder: Path, defines: Sequence[str]) -> Sequence[str]:
    """Return the counterexample in the model's own sentences."""
    told = _run(["spin", *defines, "-T", "-t", "coupon.pml"], folder)
    lines = [line.strip() for line in told.splitlines() if not NOISE.search(line)]
    cycle = "<<<<<START OF CYCLE>>>>>"
    lines = ["and from here for ever:" if line == cycle else line for line in lines]
    more = [f"… and {len(lines) - TOLD_LINES_MAX} more"] if len(lines) > TOLD_LINES_MAX else []
    return lines[:TOLD_LINES_MAX] + more


def _run(command: Sequence[str], folder: Path) -> str:
    """Run a program to its end and return its output; no process outlives an interruption."""
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # its children (spin calls the preprocessor) end with it
    ) as process:
        try:
            output, _ = process.communicate(timeout=SEARCH_S_MAX)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            message = f"{command[0]} took longer than {SEARCH_S_MAX} s"
            raise CheckError(message) from error
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        message = f"{' '.join(command)} failed:\n{output[-2000:]}"
        raise CheckError(message)
    return output


def _require_tools() -> None:
    if not shutil.which("spin") and os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stderr.write("model: installing spin\n")
        _apt("update", "-qq")
        _apt("install", "-y", "-qq", "--no-install-recommends", "spin")
    if not shutil.which("spin"):
        message = (
            "Spin is needed: install it (Debian, Ubuntu: apt-get install spin; "
            "macOS: brew install spin; elsewhere: https://spinroot.com)"
        )
        raise CheckError(message)
    if not shutil.which("cc"):
        message = (
            "a C compiler is needed: install one (Debian, Ubuntu: apt-get install gcc libc6-dev)"
        )
        raise CheckError(message)


def _apt(*arguments: str) -> None:
    _run(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *arguments], HERE)


def _interrupted(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
