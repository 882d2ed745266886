""".github/workflows/ci.yml: valid, pinned, with few rights and with timeouts."""

from __future__ import annotations

import re
import subprocess
import sys

import yaml

from tests.support.paths import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
CONTENT = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))


def test_the_workflow_follows_its_schema() -> None:
    schema = ["--builtin-schema", "vendor.github-workflows"]
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, str(WORKFLOW)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_action_is_pinned_by_its_commit() -> None:
    uses = [
        step["uses"] for job in CONTENT["jobs"].values() for step in job["steps"] if "uses" in step
    ]
    assert uses
    assert [name for name in uses if not re.search(r"@[0-9a-f]{40}$", name)] == []


def test_the_workflow_may_only_read_and_every_job_ends_in_time() -> None:
    assert CONTENT["permissions"] == {"contents": "read"}
    for name, job in CONTENT["jobs"].items():
        assert job["timeout-minutes"] <= 40, name
        assert "permissions" not in job, name


def test_make_test_runs_on_every_python_that_is_supported() -> None:
    tested = CONTENT["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested[0] == (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    assert tested == [f"3.{minor}" for minor in range(11, 15)]
    setup = (ROOT / "local" / "setup.sh").read_text(encoding="utf-8")
    found = re.findall(r"python(3\.\d+)", setup[setup.index("for candidate") :].partition("\n")[0])
    assert found == tested[::-1]


def test_every_make_target_that_a_job_calls_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    runs = [step.get("run", "") for job in CONTENT["jobs"].values() for step in job["steps"]]
    called = set(re.findall(r"\bmake ([a-z-]+)", "\n".join(runs)))
    assert {"test", "lint", "test-kafka", "test-mysql", "up", "demo", "down"} <= called
    assert called <= targets
