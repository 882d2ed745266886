"""The Makefile and the script under `make up`: what a developer uses first."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.support.paths import COMMANDS, ROOT

if TYPE_CHECKING:
    from pathlib import Path

TARGETS = [
    "help",
    "setup",
    "demo",
    "run",
    "unit",
    "test",
    "test-kafka",
    "test-mysql",
    "test-cluster",
    "faults",
    "controls",
    "simulate",
    "fuzz",
    "soak",
    "openapi",
    "test-openapi",
    "schemathesis",
    "test-clients",
    "test-observability",
    "load",
    "test-load",
    "bench",
    "lab",
    "test-lab",
    "test-lab-ten",
    "test-course",
    "pages",
    "test-pages",
    "screenshots",
    "package",
    "up",
    "down",
    "stack",
    "migrate",
    "api",
    "serve",
    "poller",
    "scheduler",
    "rebuild",
    "reconcile",
    "token",
    "model",
    "lint",
    "lint-infra",
    "test-infra",
    "test-helm",
    "test-helm-server",
    "lock",
    "audit",
    "images",
    "fmt",
    "clean",
]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make without the variables of an outer make; `-n` only prints the commands."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS", "ARGS", "SCOPE"}
    }
    return subprocess.run(
        ["make", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=inherited | environment,
        timeout=60,
    )


def test_make_without_a_target_lists_every_target_with_a_sentence() -> None:
    listed = make().stdout
    assert re.findall(r"^make ([a-z-]+) +\S", listed, re.MULTILINE) == TARGETS


def test_every_target_is_explained_on_the_page_of_commands() -> None:
    explained = set(
        re.findall(r"^make ([a-z-]+)", COMMANDS.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert set(TARGETS) - {"help", "setup"} == explained


def test_every_target_names_commands_that_make_understands() -> None:
    for target in TARGETS:
        shown = make("-n", target, "USER=42")
        assert shown.returncode == 0, f"{target}: {shown.stderr}"


def test_a_token_is_for_the_user_of_the_command_line_not_for_the_logged_in_one() -> None:
    assert 'local.token --user "42"' in make("-n", "token", "USER=42", USER="kim").stdout
    assert "kim" not in make("-n", "token", USER="kim").stdout


def test_the_interpreter_that_the_developer_chooses_reaches_the_setup() -> None:
    shown = make("--eval=show: ; @echo $$PYTHON", "show", PYTHON="python3.12")
    assert shown.stdout.strip() == "python3.12"


def test_a_settings_file_comes_from_the_command_line_only() -> None:
    assert f'. "{ROOT}/my.env"' in make("-n", "serve", "ENV=my.env").stdout
    assert "my.env" not in make("-n", "serve", ENV="my.env").stdout


def test_a_demo_on_containers_needs_no_mariadb() -> None:
    assert "setup.sh database" in make("-n", "demo").stdout
    assert "setup.sh database" not in make("-n", "demo", "ARGS=--servers compose").stdout


def test_without_compose_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    for program in ("dirname", "cp"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    started = subprocess.run(
        ["/bin/sh", str(ROOT / "local" / "compose.sh"), "ps"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tmp_path)},
        timeout=60,
    )
    assert started.returncode == 1
    assert "compose plugin" in started.stderr
    assert "make stack" in started.stderr
