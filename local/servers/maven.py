"""Copies the jars that a pom names once from Maven's repository to out/."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.servers.process import LOG_TAIL_LINES, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
# A slow connection may need minutes.
FETCH_TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True)
class Download:
    """What local/<folder>/pom.xml names, for out/<folder>/libs. unpack: called with a new copy."""

    what: str
    folder: str
    megabytes: int
    unpack: Callable[[Path], None] = lambda _: None

    @property
    def pom(self) -> Path:
        """The file that names the jars."""
        return ROOT / "local" / self.folder / "pom.xml"

    @property
    def libraries(self) -> Path:
        """Where the jars are once they were fetched."""
        return ROOT / "out" / self.folder / "libs"


def libraries(download: Download) -> Path:
    """Return the folder of the jars; fetch them when they are missing or the pom has changed."""
    wanted = hashlib.sha256(download.pom.read_bytes()).hexdigest()
    target = download.libraries
    if _stamp(target) != wanted:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetch-") as temporary:
            fresh = Path(temporary) / "libs"
            _fetch(download, fresh)
            download.unpack(fresh)
            (fresh / "pom.sha256").write_text(wanted)
            _install(fresh, target, wanted)
    return target


def _stamp(folder: Path) -> str:
    """Return the checksum of the pom that `folder` was filled from; empty if incomplete."""
    file = folder / "pom.sha256"
    return file.read_text() if file.is_file() else ""


def _fetch(download: Download, folder: Path) -> None:
    what = download.what
    maven = shutil.which("mvn")
    if maven is None:
        message = (
            f"{what} comes through Maven, and there is no mvn on the PATH: install it "
            "(Debian, Ubuntu: apt-get install maven; macOS: brew install maven)"
        )
        raise ServerError(message)
    line = f"fetching {what} through Maven (once, about {download.megabytes} MB) …"
    print(line, file=sys.stderr, flush=True)
    command = [maven, "-B", "-q", "-f", str(download.pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        message = f"Maven did not fetch {what} within {FETCH_TIMEOUT_S:.0f} s"
        raise ServerError(message) from error
    if result.returncode:
        tail = "\n  ".join((result.stdout + result.stderr).splitlines()[-LOG_TAIL_LINES:])
        message = f"Maven could not fetch {what}:\n  {tail}"
        raise ServerError(message)


def _install(fresh: Path, target: Path, wanted: str) -> None:
    """Replace the folder by a rename; another process that fetched the same jars may be first."""
    if target.exists():
        target.rename(fresh.with_name("old"))
    try:
        fresh.rename(target)
    except OSError:
        if _stamp(target) != wanted:
            raise
