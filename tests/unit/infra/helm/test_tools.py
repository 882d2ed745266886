"""helm and kubeconform are built of the pinned source, or a sentence says why not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infra.helm import tools

if TYPE_CHECKING:
    from pathlib import Path

# Writes down what it is asked, and gives each module the hash that is in the file "sum".
GO = """#!/bin/sh
folder=$(dirname "$0")
echo "$*" >> "$folder/asked"
[ "$1" != install ] || exit "$(cat "$folder/exit")"
printf '{"Dir": "%s", "Sum": "%s"}' "$folder" "$(cat "$folder/sum")"
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a `go` that builds nothing."""
    folder = tmp_path / "go"
    folder.mkdir()
    (folder / "go").write_text(GO)
    (folder / "go").chmod(0o755)
    (folder / "sum").write_text(tools.HELM.hash)
    (folder / "exit").write_text("0")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    for name in ("HOME", "PROGRAMS", "SCHEMAS"):
        monkeypatch.setattr(tools, name, tmp_path / name)
    monkeypatch.setattr(tools, "BUILT", {tools.HELM: "cmd/helm"})
    return folder


def run(folder: Path) -> int:
    return tools.main(["--kubernetes-schemas", str(folder)])


def test_a_program_is_built_once(go: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert run(go) == 1  # the schemas are missing
        assert "no schemas of Kubernetes 1.29.0" in capsys.readouterr().err
    asked = (go / "asked").read_text().splitlines()
    assert asked == [
        f"mod download -json helm.sh/helm/v4@{tools.HELM.version}",
        f"install -trimpath helm.sh/helm/v4/cmd/helm@{tools.HELM.version}",
    ]


def test_another_source_than_the_pinned_one_is_not_built(
    go: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (go / "sum").write_text("h1:another")
    assert run(go) == 1
    assert "is another one than was pinned: h1:another" in capsys.readouterr().err
    assert "install" not in (go / "asked").read_text()


def test_a_build_that_fails_is_tried_again(go: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (go / "exit").write_text("1")
    for _ in range(2):
        assert run(go) == 1
        assert "go install -trimpath" in capsys.readouterr().err
    assert (go / "asked").read_text().count("install ") == 2


def test_without_go_a_sentence_says_what_is_needed(
    go: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (go / "go").unlink()
    assert run(go) == 1
    assert "go is needed" in capsys.readouterr().err


def test_every_module_is_pinned_by_a_hash() -> None:
    modules = [*tools.DEFINITIONS, tools.HELM, tools.KUBECONFORM]
    assert [one.path for one in modules if not one.hash.startswith("h1:")] == []
    assert json.dumps([one.version for one in modules]).count('"v') == len(modules)
