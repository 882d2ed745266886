"""The calls of docs/practice.md that need no Docker, typed as they are written there."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import gateway, relayed_poll_runner
from tests.support.paths import ROOT
from tests.support.readme import shell_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.http_client import Client

PAGE = ROOT / "docs" / "practice.md"
TYPED_S = 120
# What each block of section 5 is to print, in this order: codes, outcomes, statuses.
EXPECTED = [
    [],
    [
        *("200", "PAUSED", "200", "ACCEPTED", "ACCEPTED", "ACCEPTED", "SOLD_OUT"),
        *("QUANTITY_TOO_LOW", "409"),
    ],
    ["200", "PRECONDITION_FAILED", "412"],
    ["201", "RESERVED", "409", "204"],
    ["200", "204", "204", "200"],
    ["200", "200", "ACCEPTED", "SOLD_OUT", "200"],
    ["200", "200", "200"],
]
AT_ONCE = 3  # the block in which eight orders come at once, and their answers in any order
# Not a coupon's code, which is sixteen letters and digits.
CODE = re.compile(
    r'"(?:code|outcome)":"(?![A-Z0-9]{16}")([A-Z_]+)"|\} ?(\d{3})$|^ ?(\d{3})$', re.MULTILINE
)

pytestmark = pytest.mark.timeout(300)


def typed(script: str, client: Client, environment: Mapping[str, str]) -> str:
    """Type a script into a shell, for this gateway; return what it printed."""
    here = script.replace("localhost:8000", f"localhost:{client.port}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here.replace("api:8000", f"127.0.0.1:{client.port}")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment, "MAKEFLAGS": "", "MAKELEVEL": "0"},
        timeout=TYPED_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def said(printed: str) -> list[str]:
    """Return the codes of answers and the HTTP statuses, in the order in which they came."""
    return ["".join(found) for found in CODE.findall(printed)]


def test_what_happens_afterwards_is_as_the_page_says(world: dict[str, str]) -> None:
    _, beginning = shell_blocks(PAGE, "0. Five coupons, eight users")
    helpers, _, _ = beginning.partition("new_campaign welcome")
    blocks = shell_blocks(PAGE, "5. Afterwards: change, use, give back, tell")
    marked = "".join(f"echo '=== {n}'\n{block}" for n, block in enumerate(blocks))
    with relayed_poll_runner(world), gateway(world) as client:
        printed = typed(helpers + marked, client, world)
    parts = re.split(r"^=== \d+\n", printed, flags=re.MULTILINE)[1:]
    found = [said(part) for part in parts]
    at_once = parts[AT_ONCE].split(" 204\n")[1]
    found[AT_ONCE] = said(parts[AT_ONCE].removesuffix(at_once))
    assert found == EXPECTED, printed
    assert [at_once.count(one) for one in (" 201", " 409", "ALREADY_USED")] == [1, 7, 7]
    assert '"http_status":405' in parts[6]
    assert '"serial":4' in parts[5]
    assert {"CHANGED", "USED", "CANCELLED", "GIVEN_BACK"} <= {
        *re.findall(r'"kind":"(\w+)"', parts[5])
    }
