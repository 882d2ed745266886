"""The package takes a wheel only if its hash is in the lock, from the cache as well."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from infra.package import wheels
from infra.package.errors import PackageError
from infra.package.target import Target

if TYPE_CHECKING:
    from pathlib import Path

METADATA = "Metadata-Version: 2.1\nName: seonchak.example\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a wheel in the only place where pip looks."""
    folder = tmp_path / "offered"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return make_wheel(folder / "seonchak_example-1.0-py3-none-any.whl", "answer = 42\n")


def make_wheel(file: Path, code: str) -> Path:
    about = "seonchak_example-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("example.py", code)
        archive.writestr(f"{about}/METADATA", METADATA)
        archive.writestr(f"{about}/WHEEL", WHEEL)
        archive.writestr(f"{about}/RECORD", "")
    return file


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def install(tmp_path: Path, digest: str, name: str) -> tuple[dict[str, str], Path]:
    locked, tree = tmp_path / "requirements.txt", tmp_path / name
    locked.write_text(f"seonchak-example==1.0 \\\n    --hash=sha256:{digest}\n", encoding="utf-8")
    return wheels.install(
        locked, Target.of("x86_64", sys.executable), tree, tmp_path / "cache"
    ), tree


def test_the_wheel_of_the_lock_is_installed_and_its_hash_returned(
    tmp_path: Path, offered: Path
) -> None:
    digests, tree = install(tmp_path, sha256(offered), "tree")
    assert (tree / "example.py").read_text() == "answer = 42\n"
    assert digests == {"seonchak-example": sha256(offered)}


@pytest.mark.usefixtures("offered")
def test_another_wheel_under_the_same_name_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="pip download") as stopped:
        install(tmp_path, "0" * 64, "tree")
    assert "HASH" in str(stopped.value).upper()
    assert not (tmp_path / "tree").exists()


def test_a_wheel_that_was_changed_in_the_cache_stops_the_build(
    tmp_path: Path, offered: Path
) -> None:
    digest = sha256(offered)
    install(tmp_path, digest, "before")
    [cached] = (tmp_path / "cache").glob("*/*.whl")
    make_wheel(cached, "answer = 43\n")
    with pytest.raises(PackageError, match="pip install"):
        install(tmp_path, digest, "after")
    assert not (tmp_path / "after").exists()
