"""Copies the files that a pom names once from Maven's repository to out/, and checks each one."""

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
STAMP = "wanted.sha256"


@dataclass(frozen=True, slots=True)
class Download:
    """What <parent>/<folder>/pom.xml names, for out/<folder>/libs.

    libs.sha256 beside the pom has the checksum of each file. unpack: called with a new copy.
    """

    what: str
    folder: str
    megabytes: int
    unpack: Callable[[Path], None] = lambda _: None
    parent: str = "local"

    @property
    def pom(self) -> Path:
        """The file that names what is fetched."""
        return ROOT / self.parent / self.folder / "pom.xml"

    @property
    def checksums(self) -> Path:
        """The sha256 of each file, in the form of sha256sum."""
        return self.pom.with_name("libs.sha256")

    @property
    def libraries(self) -> Path:
        """Where the files are once they were fetched."""
        return ROOT / "out" / self.folder / "libs"


def libraries(download: Download) -> Path:
    """Return the folder of the files; fetch them when they are missing or what is wanted changed.

    Raises ServerError when they cannot be had, or are not the files of the checksums.
    """
    described = download.pom.read_bytes() + download.checksums.read_bytes()
    wanted = hashlib.sha256(described).hexdigest()
    target = download.libraries
    if _stamp(target) != wanted:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetch-") as temporary:
            fresh = Path(temporary) / "libs"
            _fetch(download, fresh)
            verify(fresh, download.checksums)
            download.unpack(fresh)
            (fresh / STAMP).write_text(wanted)
            _install(fresh, target, wanted)
    return target


def verify(folder: Path, checksums: Path) -> None:
    """Raise ServerError unless `folder` holds exactly the files of `checksums`, unchanged."""
    lines = checksums.read_text(encoding="utf-8").splitlines()
    wanted = {name: digest for digest, name in (line.split() for line in lines)}
    found = {file.name: _sha256(file) for file in folder.iterdir()}
    wrong = [
        f"{name} is {found.get(name, 'missing')}, not {wanted.get(name, 'known')}"
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name) != found.get(name)
    ]
    if wrong:
        lines = [f"Maven fetched other files than {checksums.parent.name}/libs.sha256:", *wrong]
        raise ServerError("\n  ".join(lines))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(folder: Path) -> str:
    """Return the checksum of what `folder` was filled from; empty if incomplete."""
    file = folder / STAMP
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
    # Strict: a file that arrived damaged is an error. Its checksum is the repository's own word, so
    # what we run is compared with ours afterwards.
    command = [maven, "-B", "-q", "--strict-checksums", "-f", str(download.pom)]
    command += [
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        f"-DoutputDirectory={folder}",
    ]
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
    """Replace the folder by a rename; another process that fetched the same may be first."""
    if target.exists():
        target.rename(fresh.with_name("old"))
    try:
        fresh.rename(target)
    except OSError:
        if _stamp(target) != wanted:
            raise
