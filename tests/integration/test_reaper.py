"""local/servers/reaper.py: what a killed program leaves is removed, at whatever moment it died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.servers.reaper import GATED_START, ProcessReaper
from tests.support.paths import ROOT
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

# Dies when the directory is about to be made, or has just been made.
DIES = """
import os, signal, sys
from pathlib import Path
from local.servers.reaper import ProcessReaper

make, (parent, moment) = Path.mkdir, sys.argv[1:]

def and_dies(path, *arguments, **options):
    if moment == "after":
        make(path, *arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

Path.mkdir = and_dies
ProcessReaper(parent, "made-")
"""
# As rm is where a process that was killed has just made one more file.
FAILS_ONCE = """#!/bin/sh
mkdir "$0.failed" 2>/dev/null && exit 1
exec "{rm}" "$@"
"""


def end_of(reaper: ProcessReaper) -> None:
    """End the guarded program, as the reaper sees it."""
    assert reaper._shell.stdin
    reaper._shell.stdin.close()
    reaper._shell.wait()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_program_that_is_killed_while_it_makes_its_directory_leaves_none(
    tmp_path: Path, moment: str
) -> None:
    command = [sys.executable, "-c", DIES, str(tmp_path), moment]
    died = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    eventually(lambda: not list(tmp_path.iterdir()), "nothing is left")


def test_a_directory_that_is_not_empty_at_the_first_try_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, made = tmp_path / "programs", tmp_path / "made"
    programs.mkdir()
    made.mkdir()
    (programs / "rm").write_text(FAILS_ONCE.format(rm="/bin/rm"), encoding="utf-8")
    (programs / "rm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    end_of(ProcessReaper(str(made), "made-"))
    assert (programs / "rm.failed").is_dir()
    assert list(made.iterdir()) == []


def test_the_processes_of_a_program_that_ended_end_before_their_directory(tmp_path: Path) -> None:
    reaper = ProcessReaper(str(tmp_path), "made-")
    with subprocess.Popen(
        [*GATED_START, "sleep", "3600"], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        reaper.attach_and_start(process)
        end_of(reaper)
        assert process.wait() == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_an_error_and_leaves_no_reaper(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ProcessReaper(str(tmp_path / "none"), "made-")
    listing = subprocess.run(["ps", "axww", "-o", "args="], check=True, capture_output=True)
    assert str(tmp_path).encode() not in listing.stdout


def test_a_directory_is_its_owners_alone(tmp_path: Path) -> None:
    reaper = ProcessReaper(str(tmp_path), "made-")
    assert reaper.directory.stat().st_mode & 0o777 == 0o700
    end_of(reaper)
