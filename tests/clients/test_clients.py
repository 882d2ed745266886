"""Clients that are generated of docs/openapi.json compile, and talk with the running gateway.

Not a part of `make test`: they need Node, and packages of their own (make test-clients).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import gateway, relayed_poll_runner
from tests.support.paths import ROOT
from tests.support.service import ADMIN, mint

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT = ROOT / "docs" / "openapi.json"
HERE = ROOT / "tests" / "clients"
TOOLS = ROOT / ".venv-api" / "bin"
DONE = "round trip: done\n"
TIMEOUT_S = 300
pytestmark = pytest.mark.timeout(600)


def run(*command: Path | str, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a program; return what it printed; fail with all of it where it failed."""
    # The generator formats what it writes with the ruff that is beside it.
    inherited = {"PATH": f"{TOOLS}:{os.environ['PATH']}", "HOME": str(Path.home())}
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=inherited | dict(environment or {}),
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def tokens() -> dict[str, str]:
    return {
        "ADMIN_TOKEN": mint("admin", ADMIN),
        "SHOP_TOKEN": mint("shop", "coupon:redeem"),
        "USER_TOKEN": mint("user"),
    }


def generate_python(folder: Path) -> None:
    """Write the client, and what calls it, into a folder."""
    out = folder / "seonchak_client"
    options = ("--meta", "none", "--fail-on-warning", "--overwrite")
    command = (TOOLS / "openapi-python-client", "generate", "--path", DOCUMENT, *options)
    run(*command, "--output-path", out, cwd=folder)
    shutil.copy(HERE / "round_trip.py", folder)


def generate_typescript(folder: Path) -> None:
    """Do the same with what it needs from npm, by the hashes of the lock."""
    shutil.copytree(HERE / "typescript", folder, dirs_exist_ok=True)
    run("npm", "ci", "--no-audit", "--no-fund", cwd=folder)
    run("npx", "--no-install", "openapi-typescript", DOCUMENT, "-o", "schema.d.ts", cwd=folder)


def check_python(folder: Path) -> None:
    run(TOOLS / "mypy", "--config-file", HERE / "mypy.ini", "round_trip.py", cwd=folder)


def check_typescript(folder: Path) -> None:
    run("npx", "--no-install", "tsc", cwd=folder)


def test_a_python_client_is_made_checked_and_passes_a_round_trip(
    world: dict[str, str], campaign_id: str, tmp_path: Path
) -> None:
    generate_python(tmp_path)
    check_python(tmp_path)
    with relayed_poll_runner(world), gateway(world) as client:
        url = f"http://127.0.0.1:{client.port}"
        python = TOOLS / "python"
        said = run(python, "round_trip.py", url, campaign_id, cwd=tmp_path, environment=tokens())
    assert said == DONE


def test_a_typescript_client_is_made_compiled_and_passes_a_round_trip(
    world: dict[str, str], campaign_id: str, tmp_path: Path
) -> None:
    generate_typescript(tmp_path)
    check_typescript(tmp_path)
    with relayed_poll_runner(world), gateway(world) as client:
        url = f"http://127.0.0.1:{client.port}"
        program = ("node", "built/round_trip.js", url, campaign_id)
        said = run(*program, cwd=tmp_path, environment=tokens())
    assert said == DONE


def test_control_a_client_that_uses_what_is_not_described_does_not_compile(
    tmp_path: Path,
) -> None:
    python, typescript = tmp_path / "python", tmp_path / "typescript"
    python.mkdir()
    generate_python(python)
    generate_typescript(typescript)
    for file, check in (
        (python / "round_trip.py", check_python),
        (typescript / "round_trip.ts", check_typescript),
    ):
        file.write_text(file.read_text(encoding="utf-8").replace(".remaining", ".left"))
        with pytest.raises(AssertionError, match="left"):
            check(file.parent)
