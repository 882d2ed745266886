"""`python -m lab` as a reader runs it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

ALWAYS_ACCEPTS = """\
from lab.servers import mysql

TABLES = ["CREATE TABLE coupon (user_id VARCHAR(64))"]


def apply(user_id):
    with mysql() as db, db.cursor() as cursor:
        cursor.execute("INSERT INTO coupon VALUES (%s)", (user_id,))
        db.commit()
    return "accepted"


def consume(records):
    pass
"""


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"LANG": "C.UTF-8"},
        timeout=200,
    )


def test_the_readers_stage_is_judged_and_every_broken_promise_has_a_name(tmp_path: Path) -> None:
    file = tmp_path / "my_stage.py"
    file.write_text(ALWAYS_ACCEPTS)
    done = lab("--mine", str(file), "--out", str(tmp_path / "out"))
    assert done.returncode == 1, done.stderr
    assert "1000 coupons of 100" in done.stdout
    assert "Kim Minji has 50 coupons." in done.stdout
    written = json.loads((tmp_path / "out" / "mine.json").read_text(encoding="utf-8"))
    assert written["promises"][0]["people"][0]["timeline"]
    report = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "my_stage.py" in report


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("db.commit()", "db.comit()", "my_stage.py:9: AttributeError"),
        ('return "accepted"', "return True", "my_stage.py:6: apply returned True"),
        ("def consume(records):", "def consume(records)", "my_stage.py:13: Python cannot read it"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_without_a_traceback(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    file = tmp_path / "my_stage.py"
    file.write_text(ALWAYS_ACCEPTS.replace(before, after))
    done = lab("--mine", str(file), "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert message in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_held_servers_can_be_looked_at_until_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lab", "--stage", "3", "--hold", "--out", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"COLUMNS": "300"}
    ) as process:
        assert process.stdout
        counted = next(line for line in process.stdout if "get coupon_count" in line)
        shown = subprocess.run(
            shlex.split(counted), capture_output=True, text=True, check=False, timeout=30
        )
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert process.returncode == 128 + signal.SIGINT
    assert int(shown.stdout) == 1000, shown.stderr
    assert not (tmp_path / "by-hand.sh").exists()
