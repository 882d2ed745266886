"""Keeps the servers of a stage after its run, and says how to look at them."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.by_hand import SHORT_NAMES, clients, script
from lab.judge import scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.catalogue import Stage
    from lab.judge.judge import Judge
    from lab.show import Screen

SCRIPT = "by-hand.sh"


def hold(judge: Judge, stage: Stage, screen: Screen, out: Path) -> None:
    """Play the burst once more, print the commands, and wait for Ctrl-C; its processes serve on."""
    with judge.playing(stage.file) as run:
        scenarios.burst(run)
        settings = run.world.environment
        text = script(settings, stage.file)
        with run.serving(), _private_file(out / SCRIPT, text) as file:
            screen.say("held")
            for line in commands(settings, file, stage):
                screen.console.print(f"  {line}", markup=False, soft_wrap=True)
            while True:
                signal.pause()


def commands(settings: dict[str, str], file: Path, stage: Stage) -> list[str]:
    """Return what to type, with the clients that this machine has."""
    usual = clients(settings)
    python, stage_file = (os.path.relpath(path) for path in (sys.executable, stage.file))
    count = "SELECT COUNT(*) FROM coupon"
    return [
        f"{usual['redis-cli']} --scan",
        f"{usual['redis-cli']} get coupon_count",
        usual["kafka-console-consumer"],
        f"{usual['mysql']} -e '{count}'",
        f". {file}    # in bash or zsh; then shorter: {', '.join(SHORT_NAMES)}",
        f". {file} && PYTHONPATH=. {python} -i {stage_file}    # then: apply('kim-minji')",
    ]


@contextmanager
def _private_file(path: Path, text: str) -> Iterator[Path]:
    """Write the text to a file that only its owner can read; remove it after the block."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
