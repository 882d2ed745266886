"""Chalice's part: the template, its own runtime, and our code. No dependency.

It works on a copy of the project without requirements.txt, so no cache of an earlier run
can be wrong; the wheels, which must be Lambda's and not this machine's, come from pip.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.package.errors import PackageError, run_tool
from infra.package.target import runtime_of

if TYPE_CHECKING:
    from pathlib import Path

    from infra.package.target import Target

CHALICE = "import sys; from chalice.cli import main; sys.exit(main())"
# Chalice needs one, only for the names of AWS's services in it: they are the same in all
# regions except China's.
REGION = "us-east-1"
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "deployments", "deployed")
INVOKES_THE_NEWEST = "/functions/${APIHandler.Arn}/invocations"
INVOKES_THE_ALIAS = "/functions/${APIHandler.Alias}/invocations"
# Chalice would not notice a dangling link in vendor/: a zip without handlers, exit code 0.
ALWAYS_THERE = ("vendor/handlers/routes.py", "vendor/web/event/index.html")


@dataclass(frozen=True, slots=True)
class ChalicePart:
    """The template's text, and a zip of Chalice's runtime, app.py and handlers."""

    template: str
    zip_file: Path


def make(
    project: Path, stage: str, target: Target, merge_template: Path | None, work: Path
) -> ChalicePart:
    """Run `chalice package` in `work` on a copy of `project`; raise PackageError."""
    copy, out = work / "project", work / "chalice"
    _copy(project, copy)
    _set_architecture(copy / ".chalice" / "config.json", stage, target.architecture)
    merge = ["--merge-template", str(merge_template)] if merge_template else []
    arguments = ["package", "--stage", stage, "--template-format", "yaml", *merge, str(out)]
    run_tool(
        "chalice package",
        [sys.executable, "-c", CHALICE, "--project-dir", str(copy), *arguments],
        folder=copy,
        environment={"AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", REGION)},
    )
    template = (out / "sam.yaml").read_text(encoding="utf-8")
    return ChalicePart(for_lambda(template, target.runtime), out / "deployment.zip")


def for_lambda(template: str, runtime: str) -> str:
    """Return Chalice's template with what Chalice cannot be given: the runtime and the alias."""
    # Chalice knows the runtime of the Python that runs it.
    own = runtime_of(sys.version_info[:2])
    template = template.replace(f"Runtime: {own}\n", f"Runtime: {runtime}\n")
    if "AutoPublishAlias:" not in template:
        return template
    # It lets API Gateway invoke the newest code, and not the version that an alias names.
    return template.replace(INVOKES_THE_NEWEST, INVOKES_THE_ALIAS)


def stages_of(project: Path) -> list[str]:
    """Return the stages of .chalice/config.json; Chalice would accept any other name too."""
    return list(_config(project).get("stages", {}))


def architecture_of(project: Path, stage: str) -> str | None:
    """Return the stage's lambda_architecture in .chalice/config.json, if set."""
    config = _config(project)
    everywhere = config.get("lambda_architecture")
    found = config.get("stages", {}).get(stage, {}).get("lambda_architecture", everywhere)
    return None if found is None else str(found)


def _config(project: Path) -> dict[str, Any]:
    file = project / ".chalice" / "config.json"
    try:
        config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"{file} is no JSON: {error}"
        raise PackageError(message) from error
    return config


def _copy(project: Path, copy: Path) -> None:
    for folder in (".chalice", "vendor"):
        shutil.copytree(project / folder, copy / folder, ignore=IGNORED)
    shutil.copy(project / "app.py", copy / "app.py")
    for file in ALWAYS_THERE:
        if not (copy / file).is_file():
            name = file.split("/")[1]
            message = f"vendor/{name} does not lead to {file}: it must be a link to ../{name}"
            raise PackageError(message)


def _set_architecture(config_file: Path, stage: str, architecture: str) -> None:
    config = json.loads(config_file.read_text(encoding="utf-8"))
    stages = config.setdefault("stages", {})
    stages.setdefault(stage, {})["lambda_architecture"] = architecture
    config_file.write_text(json.dumps(config), encoding="utf-8")
