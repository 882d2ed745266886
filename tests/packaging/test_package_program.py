"""`python -m infra.package` with valid and invalid arguments."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from infra.package import chalice_part, target
from infra.package.errors import PackageError
from infra.package.target import LAMBDA_VERSION, Target, runtime_of
from tests.support.built_package import package
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Each test starts the program again, which is slow on a busy machine.
pytestmark = pytest.mark.timeout(600)

THIS, ARM = (Target.of(machine, sys.executable) for machine in ("x86_64", "arm64"))


def test_help_says_what_it_does_and_where_the_result_is() -> None:
    shown = package("--help")
    assert shown.returncode == 0
    assert {"--stage", "--arch", "--python", "--merge-template"} <= set(shown.stdout.split())


def test_a_folder_that_holds_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("irreplaceable")
    failed = package("--out", str(tmp_path))
    assert failed.returncode == 1
    assert "will not be replaced" in failed.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--merge-template", "no-such-file.yaml"], "no merge template no-such-file.yaml"),
        (["--python", "no-such-python"], "no-such-python"),
    ],
)
def test_what_is_missing_is_named_with_exit_code_1(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    failed = package("--out", str(tmp_path / "out"), *arguments)
    assert failed.returncode == 1
    assert message in failed.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stage", ["staging", "../elsewhere"])
def test_an_unknown_stage_is_rejected_with_the_names_of_the_known_ones(
    stage: str,
) -> None:
    failed = package("--stage", stage)
    assert failed.returncode == 2
    message = failed.stderr.splitlines()[-1]
    assert all(name in message for name in (stage, "local", "dev", "prod"))


def test_a_configuration_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text("{")
    with pytest.raises(PackageError, match=r"config\.json is no JSON"):
        chalice_part.stages_of(tmp_path)


def test_a_dangling_link_to_the_handlers_stops_the_build(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "vendor").mkdir(parents=True)
    (project / ".chalice").mkdir()
    (project / ".chalice" / "config.json").write_text("{}")
    (project / "app.py").touch()
    with pytest.raises(PackageError, match="vendor/handlers"):
        chalice_part.make(
            project, "prod", Target.of("x86_64", sys.executable), None, tmp_path / "work"
        )


def test_the_architecture_of_the_stage_is_the_default(tmp_path: Path) -> None:
    (tmp_path / ".chalice").mkdir()
    config = {"lambda_architecture": "x86_64", "stages": {"a": {"lambda_architecture": "arm64"}}}
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps(config))
    assert chalice_part.architecture_of(tmp_path, "a") == "arm64"
    assert chalice_part.architecture_of(tmp_path, "b") == "x86_64"


def test_the_runtime_is_pinned_whatever_python_runs_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def run_tool(_what: str, command: list[str]) -> str:
        asked.append(command[0])
        return "3.13.9\n"

    monkeypatch.setattr(target, "run_tool", run_tool)
    for running in ((3, 11), (3, 14)):
        monkeypatch.setattr(target, "RUNNING", running)
        assert Target.of("arm64").runtime == "python3.13"
    assert asked == ["python3.13", "python3.13"]
    monkeypatch.setattr(target, "RUNNING", (3, 13))
    assert Target.of("arm64").python == sys.executable


def test_a_runtime_that_lambda_closed_is_said_to_be_one() -> None:
    assert not Target("x86_64", "python3.11", "3.11.9").is_taken
    assert Target("x86_64", "python", ".".join(map(str, (*LAMBDA_VERSION, 0)))).is_taken


def test_the_template_that_is_checked_has_the_runtime_that_is_deployed(sam: str) -> None:
    runtimes = {line.split(": ")[1] for line in sam.splitlines() if "  Runtime:" in line}
    assert runtimes == {runtime_of(LAMBDA_VERSION)}


def test_wheels_are_not_newer_than_the_c_library_of_the_runtime() -> None:
    old = Target("arm64", "python3.11", "3.11.9").pip_options
    new = Target("x86_64", "python3.13", "3.13.0").pip_options
    assert {"--platform=manylinux_2_26_aarch64", "--abi=cp311"} <= set(old)
    assert "--platform=manylinux_2_28_aarch64" not in old
    assert {"--platform=manylinux_2_34_x86_64", "--abi=cp313"} <= set(new)
    assert Target("x86_64", "python3.13", "3.13.0").runtime == "python3.13"


def test_the_merge_template_reaches_the_template(tmp_path: Path) -> None:
    extra = tmp_path / "extra.yaml"
    extra.write_text("Resources:\n  Extra:\n    Type: AWS::SQS::Queue\n")
    work = tmp_path / "work"
    work.mkdir()
    part = chalice_part.make(ROOT, "prod", ARM, extra, work)
    assert "AWS::SQS::Queue" in part.template
    assert "- arm64" in part.template
