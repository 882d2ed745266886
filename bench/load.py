"""Load by wrk, a separate program from all that is measured."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.harness import FAILURES
from bench.processor_time import ProcessorTime
from bench.tools import find
from local.demo.burst import connections_for

if TYPE_CHECKING:
    from bench.cluster import RunningGateway
    from bench.harness import Metrics

SCRIPT = Path(__file__).with_name("apply.lua")
# Enough clients to keep two workers busy, without a queue that only measures itself.
CONNECTIONS = 64
# Of a load with a rate: so many that one is free whenever a request is due, also while the service
# pauses for a tenth of a second at 2,500 a second. With more, wrk itself costs more.
CONNECTIONS_PACED = 256
LATE = "late_share"  # the share of a paced load's requests that left later than they were due
RESPONSE_TIMEOUT_S = 10
# A run that sends each request once ends by itself; this limit is for a lost response.
ONCE_S_MIN, ONCE_PER_S_MIN = 60, 100


@dataclass(frozen=True, slots=True)
class LoadGenerator:
    """Applications at one gateway, by the users of `tokens`."""

    gateway: RunningGateway
    tokens: Path
    statuses: str  # the expected ones, as apply.lua takes them
    connections: int = CONNECTIONS

    def during(self, seconds: int, campaign_id: str) -> Metrics:
        """Apply for `seconds`, cycling through the tokens."""
        return self._run(seconds, campaign_id, "again")

    def paced(self, seconds: int, campaign_id: str, rate_per_s: float) -> Metrics:
        """Apply for `seconds` at random times, so many a second, whatever the responses take."""
        return self._run(seconds, campaign_id, "again", rate_per_s)

    def once_each(self, users: int, campaign_id: str) -> Metrics:
        """Let each of the `users` behind the tokens apply once."""
        return self._run(ONCE_S_MIN + users // ONCE_PER_S_MIN, campaign_id, "once")

    def _run(self, seconds: int, campaign_id: str, mode: str, rate_per_s: float = 0) -> Metrics:
        path = f"/campaigns/{campaign_id}/apply"
        connections = connections_for(CONNECTIONS_PACED) if rate_per_s else self.connections
        options = f"-t1 -c{connections} -d{seconds}s --timeout {RESPONSE_TIMEOUT_S}s".split()
        arguments = [str(self.tokens), path, self.statuses, mode, str(rate_per_s)]
        used = ProcessorTime(self.gateway.programs)
        done = subprocess.run(
            [find("wrk"), *options, "-s", str(SCRIPT), self.gateway.url, "--", *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + RESPONSE_TIMEOUT_S * 2,
        )
        output = json.loads(done.stdout.splitlines()[-1])
        return {
            **figures(output),
            **({LATE: output["late"] / max(1, output["right"])} if rate_per_s else {}),
            **used.per_request(output["right"] + output["wrong"], output["cpu_us"] / 1e6),
        }


def figures(output: dict[str, Any]) -> Metrics:
    """Return the output of apply.lua as metrics: only right responses count as work done."""
    return {
        "per_s": output["right"] / (output["duration_us"] / 1e6),
        "p50_ms": output["p50_us"] / 1000,
        "p95_ms": output["p95_us"] / 1000,
        "p99_ms": output["p99_us"] / 1000,
        FAILURES: output["wrong"] + output["lost"],
    }
