"""Load by wrk, a program apart from everything that is measured."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.harness import FAILURES
from bench.processor_time import ProcessorTime
from bench.tools import find

if TYPE_CHECKING:
    from bench.cluster import Gateway
    from bench.harness import Figures

SCRIPT = Path(__file__).with_name("apply.lua")
# As many clients as keep two workers busy without a queue that only measures itself.
CONNECTIONS = 64
ANSWER_TIMEOUT_S = 10
# A crowd that is sent once ends by itself; this is for one of which an answer was lost.
CROWD_S_MIN, CROWD_PER_S_MIN = 60, 100


@dataclass(frozen=True, slots=True)
class Load:
    """Applications at one gateway, by the users of `tokens`."""

    gateway: Gateway
    tokens: Path
    statuses: str  # the right ones, as apply.lua takes them
    connections: int = CONNECTIONS

    def during(self, seconds: int, campaign_id: str) -> Figures:
        """Apply for `seconds`, over and over through the tokens."""
        return self._run(seconds, campaign_id, "again")

    def of_everybody(self, people: int, campaign_id: str) -> Figures:
        """Let each of the tokens' people apply once."""
        return self._run(CROWD_S_MIN + people // CROWD_PER_S_MIN, campaign_id, "once")

    def _run(self, seconds: int, campaign_id: str, mode: str) -> Figures:
        path = f"/campaigns/{campaign_id}/apply"
        options = f"-t1 -c{self.connections} -d{seconds}s --timeout {ANSWER_TIMEOUT_S}s".split()
        arguments = [str(self.tokens), path, self.statuses, mode]
        used = ProcessorTime(self.gateway.programs)
        done = subprocess.run(
            [find("wrk"), *options, "-s", str(SCRIPT), self.gateway.url, "--", *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + ANSWER_TIMEOUT_S * 2,
        )
        told = json.loads(done.stdout.splitlines()[-1])
        return {
            **figures(told),
            **used.per_request(told["right"] + told["wrong"], told["cpu_us"] / 1e6),
        }


def figures(told: dict[str, Any]) -> Figures:
    """Return what apply.lua told as figures: only right answers count as work done."""
    return {
        "per_s": told["right"] / (told["duration_us"] / 1e6),
        "p50_ms": told["p50_us"] / 1000,
        "p95_ms": told["p95_us"] / 1000,
        "p99_ms": told["p99_us"] / 1000,
        FAILURES: told["wrong"] + told["lost"],
    }
