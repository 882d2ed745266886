"""docs/deploy.md: the step that migrates on ECS fails when the migration does."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
[STEP] = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "run-task" in block]
DEFINITIONS, CALL = STEP.rsplit("\n}\n", 1)
# Answers as the real one does with --output text, where "None" means that there is nothing.
AWS = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
    *describe-stacks*SubnetIds*) echo subnet-1,subnet-2 ;;
    *describe-stacks*FunctionsGroup*) echo sg-1 ;;
    *describe-stacks*HttpsOutGroup*) echo sg-2 ;;
    *describe-stacks*MigrateTask*) echo arn:task-definition ;;
    *run-task*) echo "$TASK" ;;
    *wait*) exit "$WAITED" ;;
    *describe-tasks*) echo "$CODE" ;;
    *) exit 9 ;;
esac
"""


def migrated(
    folder: Path, code: str = "0", task: str = "arn:task", waited: str = "0"
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the page's function with an `aws` of ours; return its end, and the calls."""
    program, calls = folder / "aws", folder / "calls"
    program.write_text(AWS, encoding="utf-8")
    program.chmod(0o755)
    done = subprocess.run(
        ["/bin/bash", "-c", f"{DEFINITIONS}\n}}\nmigrate"],
        env={
            "PATH": f"{folder}:/usr/bin:/bin",
            "STAGE": "prod",
            "CALLS": str(calls),
            "CODE": code,
            "TASK": task,
            "WAITED": waited,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done, calls.read_text(encoding="utf-8")


def test_a_migration_that_ended_well_lets_the_services_start(tmp_path: Path) -> None:
    done, calls = migrated(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--task-definition arn:task-definition" in calls
    network = "subnets=[subnet-1,subnet-2],securityGroups=[sg-1,sg-2],assignPublicIp=DISABLED"
    assert f"awsvpcConfiguration={{{network}}}" in calls
    assert CALL.startswith("migrate && ")


@pytest.mark.parametrize(
    "failure",
    [
        {"code": "1"},
        {"code": "137"},
        {"code": "None"},  # the container never started: no image, no log
        {"code": "None", "task": "None"},  # run-task answered with failures, and 0
        {"code": "None", "waited": "255"},  # still running after ten minutes
    ],
)
def test_a_migration_that_failed_or_never_ran_stops_the_deployment(
    tmp_path: Path, failure: dict[str, str]
) -> None:
    done, _ = migrated(tmp_path, **failure)
    assert done.returncode == 1
    assert f"The migration failed (exit code {failure['code']})" in done.stderr
    assert "/seonchak/prod/containers/migrate" in done.stderr


def test_the_log_that_the_step_names_is_the_one_of_the_task() -> None:
    template = (ROOT / "infra" / "containers.yaml").read_text(encoding="utf-8")
    assert 'LogGroupName: !Sub "/seonchak/${Stage}/containers/migrate"' in template
