"""Copies the jars of Apache Kafka once from Maven's repository to out/apache-kafka/libs."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from local.servers.process import LOG_TAIL_LINES, ServerError

ROOT = Path(__file__).resolve().parents[2]
POM = ROOT / "local" / "apache-kafka" / "pom.xml"
LIBRARIES = ROOT / "out" / "apache-kafka" / "libs"
# About 45 MB; a slow connection may need minutes.
FETCH_TIMEOUT_S = 900.0


def libraries() -> Path:
    """Return the folder of the jars; fetch them when they are missing or the pom has changed."""
    wanted = hashlib.sha256(POM.read_bytes()).hexdigest()
    if _stamp(LIBRARIES) != wanted:
        LIBRARIES.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=LIBRARIES.parent, prefix="fetch-") as temporary:
            fresh = Path(temporary) / "libs"
            _fetch(fresh)
            (fresh / "pom.sha256").write_text(wanted)
            _install(fresh, wanted)
    return LIBRARIES


def _stamp(folder: Path) -> str:
    """Return the checksum of the pom that `folder` was filled from; empty if incomplete."""
    file = folder / "pom.sha256"
    return file.read_text() if file.is_file() else ""


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        message = (
            "Apache Kafka's jars come through Maven, and there is no mvn on the PATH: install it "
            "(Debian, Ubuntu: apt-get install maven; macOS: brew install maven)"
        )
        raise ServerError(message)
    print("fetching Apache Kafka through Maven (once, about 45 MB) …", file=sys.stderr, flush=True)
    command = [maven, "-B", "-q", "-f", str(POM), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        message = f"Maven did not fetch Apache Kafka within {FETCH_TIMEOUT_S:.0f} s"
        raise ServerError(message) from error
    if result.returncode:
        tail = "\n  ".join((result.stdout + result.stderr).splitlines()[-LOG_TAIL_LINES:])
        message = f"Maven could not fetch Apache Kafka:\n  {tail}"
        raise ServerError(message)


def _install(fresh: Path, wanted: str) -> None:
    """Replace the folder by a rename; another process that fetched the same jars may be first."""
    if LIBRARIES.exists():
        LIBRARIES.rename(fresh.with_name("old"))
    try:
        fresh.rename(LIBRARIES)
    except OSError:
        if _stamp(LIBRARIES) != wanted:
            raise
