"""Both homes answer as the description says, and schemathesis would notice if they did not."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from handlers.routes import ROUTES
from tests.e2e.conftest import poll_runner
from tests.openapi.explore import DOCUMENT, SERVERS, Exploration, explore, unlimited
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

VALIDATOR = ROOT / ".venv-api" / "bin" / "openapi-spec-validator"
CASES = {"gateway": 10, "chalice": 5}  # of each call in each phase: some seconds
PHASES = ("Examples", "Coverage", "Fuzzing", "Stateful")
pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("server", SERVERS)
def test_every_answer_is_as_described(world: dict[str, str], server: str) -> None:
    own = unlimited(world)
    with poll_runner(own), SERVERS[server](own) as client:
        done = explore(client, own, Exploration(CASES[server]))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Tested: {len(ROUTES)}" in done.stdout
    for phase in PHASES:
        assert re.search(rf"✅ {phase}\n", done.stdout), done.stdout
    found = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert found
    assert int(found[1]) == int(found[2]) > 300


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (("schemas", "CampaignStatus", "properties", "remaining", "type"), "string"),
        (("schemas", "InvalidRequestProblem", "properties", "status", "const"), 404),
        (("headers", "Cache-Control", "schema", "const"), "no-store"),
    ],
    ids=["a type", "a status", "a header"],
)
def test_control_a_description_that_is_wrong_is_noticed(
    world: dict[str, str], tmp_path: Path, part: tuple[str, ...], says: object
) -> None:
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    *parents, last = ("components", *part)
    inside = document
    for name in parents:
        inside = inside[name]
    inside[last] = says
    wrong = tmp_path / "openapi.json"
    wrong.write_text(json.dumps(document), encoding="utf-8")
    phases = ("--phases", "coverage")
    own = unlimited(world)
    with poll_runner(own), SERVERS["gateway"](own) as client:
        done = explore(client, own, Exploration(1, arguments=phases, schema=wrong))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Failures:" in done.stdout, done.stdout


def test_the_document_is_valid_openapi() -> None:
    done = subprocess.run(
        [VALIDATOR, DOCUMENT], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
