"""infra/invoke.sh, with a program in the place of the AWS CLI."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Writes its arguments down, the function's answer into its last argument, and prints what the
# real one prints of FunctionError.
AWS = """#!/bin/sh
printf '%s\\n' "$@" "attempts $AWS_MAX_ATTEMPTS" > "$FOLDER/asked"
for last; do :; done
printf '%s' "$ANSWER" > "$last"
echo "$FUNCTION_ERROR"
exit "$CODE"
"""


def invoke(
    folder: Path, *arguments: str, answer: str = "{}", error: str = "None", code: int = 0
) -> subprocess.CompletedProcess[str]:
    program = folder / "aws"
    program.write_text(AWS)
    program.chmod(0o755)
    values = {"FOLDER": str(folder), "ANSWER": answer, "FUNCTION_ERROR": error, "CODE": str(code)}
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        [str(ROOT / "infra" / "invoke.sh"), *arguments],
        env=os.environ | values | {"PATH": path, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_prints_what_the_function_returned(tmp_path: Path) -> None:
    done = invoke(tmp_path, "migrate", '{"partitions": 24}', answer='{"epoch": "e1"}')
    assert (done.returncode, done.stdout) == (0, '{"epoch": "e1"}\n')
    asked = (tmp_path / "asked").read_text().splitlines()
    assert '{"partitions": 24}' in asked
    assert "attempts 1" in asked  # the CLI's own retry would start a second one
    assert {path.name for path in tmp_path.iterdir()} == {"aws", "asked"}


def test_without_an_event_it_sends_an_empty_one(tmp_path: Path) -> None:
    assert invoke(tmp_path, "migrate").returncode == 0
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[asked.index("--payload") + 1] == "{}"


def test_an_error_of_the_function_ends_it_with_1_and_shows_the_error(tmp_path: Path) -> None:
    done = invoke(tmp_path, "migrate", answer='{"errorMessage": "too new"}', error="Unhandled")
    assert (done.returncode, done.stdout) == (1, "")
    assert "too new" in done.stderr
    assert "migrate failed (Unhandled)" in done.stderr


def test_an_error_of_the_cli_ends_it_too(tmp_path: Path) -> None:
    assert invoke(tmp_path, "migrate", code=254).returncode == 254


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("a", "b", "c"), 2), (("--help",), 0)])
def test_help_and_wrong_arguments_show_how_it_is_called(
    tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    done = invoke(tmp_path, *arguments)
    assert done.returncode == code
    assert "infra/invoke.sh FUNCTION [EVENT]" in done.stdout
    assert not (tmp_path / "asked").exists()
