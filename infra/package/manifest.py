"""The manifest: the content of the package, so that two packages can be distinguished."""

from __future__ import annotations

import hashlib
import subprocess
from importlib import metadata
from typing import TYPE_CHECKING, Any

from infra.package import archive, tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.package.target import Target

GIT_TIMEOUT_S = 30
# The sources of a package; a change elsewhere does not make it another one.
SOURCES = (
    "app.py",
    "handlers",
    "requirements.txt",
    ".chalice",
    "vendor",
    "infra",
    "requirements/runtime.in",
)


def of(
    project: Path, stage: str, target: Target, unpacked: Path, files: Mapping[str, Path]
) -> dict[str, Any]:
    """Return the manifest. Nothing in it depends on when or where the package was built.

    files: zip, template and sbom.
    """
    contents = archive.files(unpacked)
    return {
        "stage": stage,
        "runtime": target.runtime,
        "architecture": target.architecture,
        "python": target.python_version,
        "git": _git(project),
        "zip": {
            **_file(files["zip"]),
            "files": len(contents),
            "unzipped_bytes": sum(path.stat().st_size for path in contents),
        },
        "template": _file(files["template"]),
        "sbom": _file(files["sbom"]),
        "packages": tree.versions(unpacked) | {"chalice": metadata.version("chalice")},
    }


def _file(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"name": path.name, "sha256": digest, "bytes": len(content)}


def _git(project: Path) -> dict[str, Any] | None:
    """Return the commit, and whether the sources differ from it; None outside of git."""
    commit = _run_git(project, "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = _run_git(project, "status", "--porcelain", "--", *SOURCES)
    return {"commit": commit, "changed": bool(changed)}


def _run_git(project: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(project), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=GIT_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
