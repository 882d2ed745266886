"""`make images`: which container images have a digest, and how they get one."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from infra.supply import images
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# A `docker` that knows the digests of all images but one, in the form of imagetools' documentation.
DOCKER = """\
#!/bin/sh
[ "$1 $2 $3" = "buildx imagetools inspect" ] || exit 64
case "$4" in
    {unknown}) echo "ERROR: $4: not found" >&2; exit 1 ;;
esac
cat <<END
Name:      docker.io/library/$4
MediaType: application/vnd.oci.image.index.v1+json
Digest:    sha256:{index}

Manifests:
  Name:      docker.io/library/$4@sha256:{platform}
  MediaType: application/vnd.oci.image.manifest.v1+json
  Platform:  linux/amd64
END
"""
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")
OLD, NEW, PLATFORM = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the files that name images."""
    for name in images.FILES:
        copy = tmp_path / "project" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy)
    return tmp_path / "project"


def docker(folder: Path, monkeypatch: pytest.MonkeyPatch, index: str, unknown: str = "-") -> None:
    program = folder / "bin" / "docker"
    program.parent.mkdir(exist_ok=True)
    text = DOCKER.format(index=index, platform=PLATFORM, unknown=unknown)
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


def without_digests(project: Path) -> dict[str, str]:
    return {name: DIGEST.sub("", text) for name, text in texts(project).items()}


def texts(project: Path) -> dict[str, str]:
    return {name: (project / name).read_text(encoding="utf-8") for name in images.FILES}


def test_every_image_of_the_containers_is_found() -> None:
    found = images.uses(ROOT)
    compose = yaml.safe_load((ROOT / "local/docker-compose.yml").read_text("utf-8"))["services"]
    servers = {one["image"].partition("@")[0] for one in compose.values()} - {"seonchak:local"}
    assert {use.image for use in found if use.file == "local/docker-compose.yml"} == servers
    docker_file = (ROOT / "local/Dockerfile").read_text("utf-8")
    built = [use for use in found if use.file == "local/Dockerfile"]
    assert len(built) == docker_file.count("\nFROM ") > 0
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))["image"]
    assert [use.image for use in found if ".devcontainer" in use.file] == [container.split("@")[0]]
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]
    fixed = [job["container"] for job in jobs.values() if "${{" not in job.get("container", "${{")]
    assert len([use for use in found if use.file.endswith("ci.yml")]) == len(fixed)


def test_pinning_writes_the_digest_of_the_whole_image_behind_every_tag(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = images.uses(project)
    docker(tmp_path, monkeypatch, OLD)
    assert images.main(["--pin"], project) == 0
    pinned = images.uses(project)
    assert [(use.file, use.image) for use in pinned] == [(use.file, use.image) for use in before]
    assert {use.digest for use in pinned} == {f"sha256:{OLD}"}
    assert images.main([], project) == 0
    # Nothing else in the files has changed; pinned again, the digest is another one.
    assert without_digests(project) == without_digests(ROOT)
    docker(tmp_path, monkeypatch, NEW)
    assert images.main(["--pin"], project) == 0
    assert {use.digest for use in images.uses(project)} == {f"sha256:{NEW}"}


def test_a_registry_that_does_not_know_one_image_leaves_every_file_as_it_was(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = texts(project)
    docker(tmp_path, monkeypatch, OLD, unknown="redis:*")
    assert images.main(["--pin"], project) == 3
    assert "redis:" in capsys.readouterr().err
    assert texts(project) == before


def test_without_docker_a_sentence_says_so(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert images.main(["--verify"], project) == 3
    assert "docker" in capsys.readouterr().err


def test_an_image_without_a_digest_is_exit_code_1_and_is_named(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    docker(tmp_path, monkeypatch, OLD)
    images.main(["--pin"], project)
    compose = project / "local" / "docker-compose.yml"
    text = compose.read_text("utf-8")
    compose.write_text(text.replace(f"@sha256:{OLD}", "", 1), encoding="utf-8")
    capsys.readouterr()
    assert images.main([], project) == 1
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("local/docker-compose.yml: ")


def test_a_tag_that_was_moved_is_noticed(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    docker(tmp_path, monkeypatch, OLD)
    images.main(["--pin"], project)
    assert images.main(["--verify"], project) == 0
    docker(tmp_path, monkeypatch, NEW)
    capsys.readouterr()
    assert images.main(["--verify"], project) == 1
    assert f"is sha256:{NEW}, the file has sha256:{OLD}" in capsys.readouterr().out
