"""The dependencies: wheels of Lambda's platform, checked by hash, cached for the next build."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import parse_wheel_filename

from infra.package import lock
from infra.package.errors import run_tool

if TYPE_CHECKING:
    from infra.package.target import Target

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]
# Lambda provides these. They would be larger than all the rest together.
BROUGHT_BY_LAMBDA = {
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
}
# Only the signer's command line imports click, and only a build of bindings imports pycparser.
NEVER_IMPORTED = {"click", "pycparser"}
LEFT_OUT = BROUGHT_BY_LAMBDA | NEVER_IMPORTED


def install(locked: Path, target: Target, tree: Path, cache: Path) -> dict[str, str]:
    """Unpack the packages of a lock into `tree`, without LEFT_OUT; offline when `cache` has them.

    Returns the sha256 of each wheel by the name of its package. pip compares every wheel with the
    lock, one from the cache too. Raises PackageError.
    """
    packages = lock.read(locked.read_text(encoding="utf-8"))
    lines = "\n".join(one.line for one in packages if one.name not in LEFT_OUT) + "\n"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as work:
        requirements = Path(work) / "requirements.txt"
        requirements.write_text(lines, encoding="utf-8")
        what = ["--require-hashes", *target.pip_options, "-r", str(requirements)]
        digest = hashlib.sha256("\n".join([lines, *target.pip_options]).encode()).hexdigest()[:16]
        wheels = cache / f"{target.runtime}-{target.architecture}-{digest}"
        if not wheels.is_dir():
            _download(what, wheels, Path(work) / "wheels")
        offline = ["--no-index", f"--find-links={wheels}"]
        run_tool(
            "pip install", [*PIP, "install", *offline, "--no-compile", f"--target={tree}", *what]
        )
    return {parse_wheel_filename(wheel.name)[0]: _sha256(wheel) for wheel in wheels.glob("*.whl")}


def _download(what: list[str], wheels: Path, fresh: Path) -> None:
    """Fill the folder `wheels`; it gets this name only once it is complete."""
    run_tool("pip download", [*PIP, "download", f"--dest={fresh}", *what])
    with suppress(OSError):  # another process was faster
        fresh.rename(wheels)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
