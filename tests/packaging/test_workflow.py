""".github/workflows: valid, pinned, with few rights and with timeouts."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CONTENTS = {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES}
JOBS = {
    f"{workflow}: {name}": job
    for workflow, content in CONTENTS.items()
    for name, job in content["jobs"].items()
}
STEPS = [step for job in JOBS.values() for step in job["steps"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_workflow_follows_its_schema(file: Path) -> None:
    schema = ["--builtin-schema", "vendor.github-workflows"]
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_action_is_pinned_by_its_commit() -> None:
    uses = [step["uses"] for step in STEPS if "uses" in step]
    assert uses
    assert [name for name in uses if not re.search(r"@[0-9a-f]{40}$", name)] == []


def test_a_workflow_may_only_read_and_every_job_ends_in_time() -> None:
    for content in CONTENTS.values():
        assert content["permissions"] == {"contents": "read"}
    for name, job in JOBS.items():
        assert job["timeout-minutes"] <= 40, name
        assert "permissions" not in job, name


def test_make_test_runs_on_every_python_that_is_supported() -> None:
    tested = CONTENTS["ci"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested[0] == (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    assert tested == [f"3.{minor}" for minor in range(11, 15)]
    setup = (ROOT / "local" / "setup.sh").read_text(encoding="utf-8")
    found = re.findall(r"python(3\.\d+)", setup[setup.index("for candidate") :].partition("\n")[0])
    assert found == tested[::-1]


def test_every_make_target_that_a_job_calls_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    runs = [step.get("run", "") for step in STEPS]
    called = set(re.findall(r"\bmake ([a-z-]+)", "\n".join(runs)))
    assert {"test", "lint", "test-kafka", "test-mysql", "up", "demo", "down"} <= called
    assert {"lock", "audit", "images"} <= called
    assert called <= targets
