"""`python -m local.load` as a user runs it, with users on threads instead of Locust."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The run takes about 15 s; a busy machine may need more.
TIMEOUT_S = 100


def test_a_small_day_keeps_every_promise_and_leaves_its_figures(
    tmp_path: Path, world: dict[str, str]
) -> None:
    people = tmp_path / "python"
    people.write_text(
        f'#!/bin/sh\nshift 2; exec {sys.executable} -m tests.support.fake_locust "$@"\n'
    )
    people.chmod(0o755)
    crowd = ("--users", "30", "--quantity", "10", "--countdown", "2", "--hang-ups", "20")
    options = ("--out", str(tmp_path / "out"), "--python", str(people))
    done = subprocess.run(
        [sys.executable, "-m", "local.load", *crowd, *options],
        capture_output=True,
        text=True,
        check=False,
        env=world,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 won, 10 hold a code, 20 sold out" in done.stdout
    assert "Every promise was kept." in done.stdout
    report = json.loads((tmp_path / "out" / "load.json").read_text())
    assert report["kept"]
    assert report["people"] == 30
    assert report["answers"]["no answer (hung up)"] > 0
    assert sum(report["answers"].values()) == report["presses"] > 30
