"""The deployment package of this checkout, for the Python that runs the benchmark."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.import_time import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGING_TIMEOUT_S = 600


@contextmanager
def unpacked_package(folder: Path) -> Iterator[Path]:
    """Build the package in `folder`; yield it unpacked, as Lambda does."""
    package = folder / "package"
    # Of this Python, which will run it: bytecode and binaries of another one would be of no use.
    subprocess.run(
        [
            *(sys.executable, "-m", "infra.package", "--stage", "prod"),
            *("--python", sys.executable, "--out", str(package)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=PACKAGING_TIMEOUT_S,
    )
    with unpacked(package / "deployment.zip") as tree:
        yield tree
