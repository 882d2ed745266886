"""Hostile connections to the gateway: others are served meanwhile, and it gets back what it gave.

A verdict has three parts. Each request of an honest client is answered. The gateway's memory stays
within a bound. And the hostile connections end: after the time that a silent client gets, or where
they are more than one address may have.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.gateway.body import BODY_TIMEOUT_S
from local.gateway.connection_guard import CONNECTIONS_PER_ADDRESS, STALLED_TIMEOUT_S
from local.serve import IDLE_TIMEOUT_S
from tests.fuzz.honest_client import HonestClient
from tests.fuzz.hostile_clients import Attack, HostileClients

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.fuzz.tally import Tally

LAYER = "connections"
MIB = 1024 * 1024
# Beside what the connections themselves take.
MEMORY_MAX = 48 * MIB
CONNECTION_BYTES = 16 * 1024
CLIENTS = 60
# A busy machine notices late.
GRACE_S = 5.0
LOOK_EVERY_S = 0.1
# An attack that ends at once lasts so long for the honest client's sake.
LASTS_S = 3.0
# A server with much to do takes a while to fill all buffers of who does not read.
PATIENCE = 4
PAGE_BYTES = 4096
PATHS = ("/health", "/campaigns/welcome")
KNOWN = b"/campaigns"  # takes a body
HEAD = b"Host: a\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"


@dataclass(frozen=True)
class Limits:
    """What the gateway under attack was started with."""

    idle_s: float
    body_s: float
    stalled_s: float
    per_address: int
    grace_s: float = GRACE_S


DEFAULTS = Limits(IDLE_TIMEOUT_S, BODY_TIMEOUT_S, STALLED_TIMEOUT_S, CONNECTIONS_PER_ADDRESS)


@dataclass(frozen=True)
class Scene:
    """An attack, and when the gateway has to have its connections back."""

    attack: Attack
    seconds: float  # no connection is open for nothing for so long
    open_max: int | None = None  # in place of that: how many are open after so long

    def is_over(self, hostile: HostileClients, elapsed_s: float) -> bool:
        """Return whether the attack has got as far as it can."""
        if self.open_max is not None:
            return elapsed_s >= self.seconds
        if elapsed_s < LASTS_S:
            return False
        is_late = hostile.idle_for(self.seconds) > 0
        return is_late or not hostile.idle_for(0) or elapsed_s > self.seconds * PATIENCE


@dataclass(frozen=True)
class Outcome:
    """How one scene, or several at once, ended."""

    asked: int
    p50_ms: float
    p99_ms: float
    grown: int  # bytes of memory
    faults: list[str]

    def __str__(self) -> str:
        return (
            f"{self.asked} honest requests, p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms, "
            f"memory +{self.grown / MIB:.0f} MiB"
        )


def silent_scenes(limits: Limits, clients: int) -> list[Scene]:
    """Return the attacks that send too little, too much, or do not read."""
    post = b"POST %s HTTP/1.1\r\n" + HEAD + LENGTH
    chunked = b"POST /campaigns HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    ask, chunk = b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"
    return [
        Scene(attack, seconds + limits.grace_s)
        for attack, seconds in (
            (Attack("slow head", clients, b"GET / HTTP/1.1\r\nX: ", drip=b"x"), limits.idle_s),
            (Attack("half a head", clients, b"GET / HTTP/1.1\r\nHost"), limits.idle_s),
            (Attack("slow body", clients, post % (KNOWN, 9999), drip=b"x"), limits.body_s),
            (Attack("half a body", clients, post % (KNOWN, 9999) + b"{"), limits.body_s),
            (Attack("slow chunks", clients, chunked, drip=b"1\r\nx\r\n"), limits.body_s),
            (Attack("unknown path", clients, post % (b"/none", 10**7), flood=b"x" * 65_536), 0),
            (Attack("long body", clients, post % (KNOWN, 10**7), flood=b"x" * 65_536), 0),
            (Attack("endless chunks", clients, chunked, flood=chunk), 0),
            # The gateway first answers what it had received when the client's last byte was taken.
            (Attack("never reads", clients, flood=ask * 100), limits.stalled_s * 1.5),
        )
    ]


def hoarding_scenes(limits: Limits, connections: int) -> list[Scene]:
    """Return the attacks of one address that takes all connections that it can get."""
    seconds = limits.grace_s * 2
    return [
        Scene(Attack("hoards", connections), seconds, limits.per_address),
        # Between two looks at the connections it has more.
        Scene(Attack("hoards again", connections, reopens=True), seconds, connections),
    ]


def play(
    scenes: Sequence[Scene], port: int, workers: Sequence[int], paths: Sequence[str]
) -> Outcome:
    """Attack the gateway on `port`, whose processes are `workers`; ask for `paths` meanwhile."""
    before = peak = memory(workers)
    started = time.monotonic()
    with ExitStack() as stack:
        attacks = [stack.enter_context(HostileClients(scene.attack, port)) for scene in scenes]
        honest = stack.enter_context(HonestClient(port, paths))
        both = list(zip(scenes, attacks, strict=True))
        while not all(one.is_over(it, time.monotonic() - started) for one, it in both):
            peak = max(peak, memory(workers))
            time.sleep(LOOK_EVERY_S)
        faults = [f"{one.attack.name}: {fault}" for one, it in both for fault in _faults(one, it)]
    if honest.failures or not honest.asked:
        failed = len(honest.failures)
        faults.append(f"{failed} of {honest.asked} honest requests failed: {honest.failures[:1]}")
    grown = peak - before
    if grown > MEMORY_MAX + sum(scene.attack.connections for scene in scenes) * CONNECTION_BYTES:
        faults.append(f"the gateway's memory grew by {grown / MIB:.0f} MiB")
    p50, p99 = honest.percentile_ms(50), honest.percentile_ms(99)
    return Outcome(honest.asked, p50, p99, grown, faults)


def _faults(scene: Scene, hostile: HostileClients) -> list[str]:
    if not hostile.all_opened:
        return ["the attack did not take place"]
    if scene.open_max is not None:
        left = hostile.idle_for(0)
        return [f"one address has {left} connections"] if left > scene.open_max else []
    left, late = hostile.idle_for(0), hostile.idle_for(scene.seconds)
    return [f"{left} connections are open, {late} for {scene.seconds:.0f} s"] if left else []


def memory(processes: Sequence[int]) -> int:
    """Return the resident memory of processes, in bytes."""
    statm = (Path(f"/proc/{pid}/statm").read_text(encoding="ascii") for pid in processes)
    return sum(int(text.split()[1]) * PAGE_BYTES for text in statm)


def run(hoard: int, port: int, workers: Sequence[int], tally: Tally) -> Iterator[str]:
    """Play each scene alone, the hoarding ones with `hoard` connections; yield a line on it."""
    for scene in [*silent_scenes(DEFAULTS, CLIENTS), *hoarding_scenes(DEFAULTS, hoard)]:
        outcome = play([scene], port, workers, PATHS)
        tally.requested(LAYER, outcome.asked)
        tally.responded(LAYER, "answered")
        tally.blame(LAYER, scene.attack.name, outcome.faults)
        yield f"{scene.attack.name}: {outcome}"
