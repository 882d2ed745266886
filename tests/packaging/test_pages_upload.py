"""The upload of docs/deploy.md gives every file of the pages the headers of headers.json."""

from __future__ import annotations

import os
import re
import subprocess
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from handlers.env_parser import EnvParser
from handlers.page_settings import PageSettings
from local import pages
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# In place of the program of AWS: notes what it is asked for, and may fail.
AWS = """#!/bin/sh
printf '%s\\037' "$@" >> calls
echo >> calls
case "$*" in *"$FAILING"*) exit 1;; esac
"""


def commands() -> str:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    [block] = [b for b in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "s3 sync" in b]
    return str(block)


def uploads(folder: Path, failing: str = "not at all") -> list[list[str]]:
    """Run the page's commands; return the arguments of each call of aws."""
    program = folder / "aws"
    program.write_text(AWS, encoding="utf-8")
    program.chmod(0o700)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "BUCKET": "pages-1", "FAILING": failing}
    done = subprocess.run(
        ["bash", "-u", "-c", commands()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.stderr == ""
    assert (done.returncode == 0) == (failing == "not at all")
    lines = (folder / "calls").read_text(encoding="utf-8").splitlines()
    return [line.rstrip("\037").split("\037") for line in lines]


def option(call: list[str], name: str) -> str:
    return call[call.index(name) + 1]


def written(folder: Path) -> list[dict[str, Any]]:
    settings = PageSettings.from_environment(EnvParser({"STAGE": "prod"}), is_local=False)
    return pages.write(folder, settings, "")


def test_every_file_is_uploaded_once_as_headers_json_describes_it(tmp_path: Path) -> None:
    calls = uploads(tmp_path)
    made = tmp_path / "made"
    made.mkdir()
    for file in written(made):
        [call] = [c for c in calls if fnmatchcase(file["file"], option(c, "--include"))]
        assert option(call, "--content-type") == file["headers"]["Content-Type"]
        assert option(call, "--cache-control") == file["headers"]["Cache-Control"]
    for call in calls:
        assert call[:4] == ["s3", "sync", "out/web", "s3://pages-1"]
        # All is left out, and then one kind is let in: headers.json stays here.
        assert call.index("--exclude") < call.index("--include")
        assert option(call, "--exclude") == "*"
        assert not fnmatchcase(pages.HEADERS, option(call, "--include"))


def test_pages_come_last_so_that_what_they_refer_to_is_there(tmp_path: Path) -> None:
    assert [option(call, "--include") for call in uploads(tmp_path)][-1] == "*.html"


@pytest.mark.parametrize("failing", ["*.js", "*.css", "*.svg", "config.json"])
def test_after_a_failed_upload_no_page_follows(tmp_path: Path, failing: str) -> None:
    calls = uploads(tmp_path, failing)
    assert failing in option(calls[-1], "--include")


def test_headers_json_describes_all_that_is_written(tmp_path: Path) -> None:
    described = {file["file"] for file in written(tmp_path)}
    found = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert found - {pages.HEADERS} == described
