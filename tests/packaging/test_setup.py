"""local/setup.sh, which every target of the Makefile runs first."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_an_environment_behind_a_link_is_never_recreated(tmp_path: Path) -> None:
    """Several checkouts may share one: recreating it would break the others."""
    checkout, shared = tmp_path / "checkout", tmp_path / "shared"
    (checkout / "local").mkdir(parents=True)
    shared.mkdir()
    (shared / "pyvenv.cfg").write_text("in use")
    shutil.copy(ROOT / "local" / "setup.sh", checkout / "local")
    (checkout / "requirements").mkdir()
    (checkout / "requirements" / "dev.txt").touch()
    (checkout / ".venv").symlink_to(shared)
    refused = subprocess.run(
        [str(checkout / "local" / "setup.sh"), "python"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 1
    assert "is a link" in refused.stderr
    assert [path.read_text() for path in shared.iterdir()] == ["in use"]
