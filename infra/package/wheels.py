"""The dependencies: wheels of Lambda's platform, cached for the next build."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from infra.package.errors import run_tool

if TYPE_CHECKING:
    from infra.package.target import Target

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]


def install(requirements: Path, target: Target, tree: Path, cache: Path) -> None:
    """Unpack the packages of `requirements` into `tree`; offline when `cache` has them all."""
    wheels = _downloaded(requirements, target, cache)
    run_tool(
        "pip install",
        [
            *(*PIP, "install", "--no-index", f"--find-links={wheels}", "--no-compile"),
            *(f"--target={tree}", *target.pip_options, "-r", str(requirements)),
        ],
    )


def _downloaded(requirements: Path, target: Target, cache: Path) -> Path:
    """Return a folder with the wheels; it gets this name only once it is complete."""
    request = "\n".join([requirements.read_text(encoding="utf-8"), *target.pip_options])
    digest = hashlib.sha256(request.encode()).hexdigest()[:16]
    complete = cache / f"{target.runtime}-{target.architecture}-{digest}"
    if complete.is_dir():
        return complete
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as folder:
        run_tool(
            "pip download",
            [*PIP, "download", f"--dest={folder}", *target.pip_options, "-r", str(requirements)],
        )
        with suppress(OSError):  # another process was faster
            Path(folder).rename(complete)
            Path(folder).mkdir()  # TemporaryDirectory needs a folder to remove
    return complete
