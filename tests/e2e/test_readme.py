"""The commands of README.md and docs/commands.md, typed as they are written there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.support.paths import COMMANDS, README, ROOT
from tests.support.programs import Program, running_command
from tests.support.readme import blocks

WAIT_S = 90
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in (README, COMMANDS))
# As in a terminal where nothing is set, and not below `make test ARGS=…`.
NOTHING_SET = dict.fromkeys(
    ("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "STAGE", "AUTH_JWT_SECRET"), ""
) | {
    "MIGRATION_DATABASE_URL": "",
    "REDIS_CLUSTER": "",
    "COUPON_CODE_SECRET": "",
    "MAKEFLAGS": "",
    "MAKELEVEL": "0",
    "ARGS": "",
}
# What a program says once the next one can be started.
READY = {"stack": "ready;", "serve": "listening on", "poller": "assigned", "scheduler": "started"}


def test_the_session_by_hand_works_as_it_stands() -> None:
    terminals, session = blocks("By hand")
    with ExitStack() as open_terminals:
        programs = [
            _in_a_terminal(open_terminals, line.split("#")[0].split())
            for line in terminals.splitlines()
        ]
        typed = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", session],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=os.environ | NOTHING_SET,
            timeout=WAIT_S,
        )
        assert typed.returncode == 0, typed.stderr
        created, applied, mine, stats = _answers(typed.stdout)
        assert created["id"] == "welcome"
        assert (applied["outcome"], applied["serial"]) == ("ACCEPTED", 1)
        assert mine["status"] in {"PENDING", "ISSUED"}
        assert stats["admitted"] == 1
        for program in reversed(programs):
            os.killpg(program.process.pid, signal.SIGINT)  # Ctrl-C
            program.wait()


def _in_a_terminal(stack: ExitStack, command: list[str]) -> Program:
    program = stack.enter_context(running_command(*command, environment=NOTHING_SET))
    wanted = READY[command[1]]
    said = program.out if command[1] == "serve" else program.err
    said.until(lambda line: wanted in line)
    return program


def _answers(text: str) -> list[dict[str, object]]:
    """Return JSON objects that stand one behind the other without a line's end."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text.rstrip()):
        answer, at = decoder.raw_decode(text, at)
        found.append(answer)
    return found


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)", TEXT))))
def test_every_target_of_the_pages_exists(target: str) -> None:
    shown = subprocess.run(
        ["make", "-n", target, "USER=42"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m (local(?:\.\w+)+)", TEXT))))
def test_every_program_of_the_pages_says_how_to_use_it(module: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert "usage:" in shown.stdout.lower()  # Click writes it with a capital
