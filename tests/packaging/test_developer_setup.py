"""The small files for editors and hooks agree with the Makefile and pyproject.toml."""

from __future__ import annotations

import json
import subprocess
import tomllib

import yaml

from tests.support.paths import ROOT

PYTHON = (ROOT / ".python-version").read_text(encoding="utf-8").strip()


def test_a_commit_is_checked_by_exactly_what_make_lint_runs() -> None:
    shown = subprocess.run(
        ["make", "-n", "lint"], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    tools = [line for line in shown.stdout.splitlines() if line.startswith(".venv/")]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    [repository] = hooks["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == tools
    # All files each time: rules and types of one file depend on others.
    assert not any(hook["pass_filenames"] for hook in repository["hooks"])


def test_the_python_of_a_checkout_is_the_oldest_that_is_supported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["requires-python"] == f">={PYTHON}"


def test_the_development_container_has_that_python_and_runs_our_own_setup() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert f"python:{PYTHON}-" in container["image"]
    assert "local/setup.sh python" in container["postCreateCommand"]
    assert "local/setup.sh database" in container["postCreateCommand"]
    assert "features" not in container
