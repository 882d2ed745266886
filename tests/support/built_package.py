"""The deployment package, built once for all tests, and an environment like Lambda's for it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.lambda_function.function import fill_lambda_folder
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

BUILD_TIMEOUT_S = 300


@dataclass(frozen=True)
class Built:
    """A package: its three files, and the zip, unpacked in the way of Lambda."""

    folder: Path
    tree: Path

    @property
    def zip_file(self) -> Path:
        return self.folder / "deployment.zip"

    @property
    def manifest(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        return content


def package(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as `make package` does, by default for the Python that runs the tests."""
    if "--python" not in arguments:
        arguments = ("--python", sys.executable, *arguments)
    return subprocess.run(
        [sys.executable, "-m", "infra.package", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=BUILD_TIMEOUT_S,
    )


def built_once(factory: pytest.TempPathFactory, name: str, *arguments: str) -> Built:
    """Return the package called `name`; the first process that needs it builds it for all."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    built = Built(shared / f"package-{name}", shared / f"unpacked-{name}")
    with (shared / f"package-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.tree.is_dir():
            done = package("--out", str(built.folder), *arguments)
            assert done.returncode == 0, done.stderr
            with zipfile.ZipFile(built.zip_file) as archive:
                archive.extractall(built.tree)
    return built


def lambda_folder(factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the packages that Lambda provides, and no others."""
    folder = factory.mktemp("runtime")
    fill_lambda_folder(folder)
    return folder
