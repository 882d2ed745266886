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

from tests.fuzz.honest_client import HonestClient
from tests.fuzz.hostile_clients import Attack, HostileClients

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.fuzz.tally import Tally

LAYER = "connections"
MIB = 1024 * 1024
# Beside what the connections themselves take.
MEMORY_MAX = 48 * MIB
MEMORY_PER_CONNECTION = 16 * 1024
# A busy machine notices late.
GRACE_S = 5.0
LOOK_EVERY_S = 0.1
PAGE = 4096
HEAD = b"Host: a\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"


@dataclass(frozen=True)
class Scene:
    """An attack, and when the gateway has to have its connections back."""

    attack: Attack
    silent_s: float  # no connection is open for longer
    seconds: float  # how long the attack lasts
    open_max: int = 10**9  # nor are there more at the end


@dataclass(frozen=True)
class Limits:
    """What the gateway under attack was started with."""

    idle_s: float
    body_s: float
    stalled_s: float
    per_address: int


@dataclass(frozen=True)
class Outcome:
    """How one scene ended."""

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


def scenes(limits: Limits, hoard: int, clients: int) -> Iterator[Scene]:
    """Yield every attack; `hoard` connections for the ones that hoard, else `clients`."""
    forever = 3600.0
    idle, body, stalled = (
        seconds + GRACE_S for seconds in (limits.idle_s, limits.body_s, limits.stalled_s)
    )
    ask = b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\n"
    post = b"POST %s HTTP/1.1\r\n" + HEAD + LENGTH
    chunked = b"POST /campaigns HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    for attack, silent_s in (
        (Attack("slow head", clients, b"GET / HTTP/1.1\r\nX: ", drip=b"x"), idle),
        (Attack("half a head", clients, b"GET / HTTP/1.1\r\nHost"), idle),
        (Attack("slow body", clients, post % (b"/campaigns", 9999), drip=b"x"), body),
        (Attack("half a body", clients, post % (b"/campaigns", 9999) + b"{"), body),
        (Attack("slow chunks", clients, chunked, drip=b"1\r\nx\r\n"), body),
        (Attack("never reads", clients, flood=ask * 100), stalled),
        (Attack("long bodies", clients, post % (b"/nothing", 10**7), flood=b"x" * 65_536), body),
        (Attack("long body", clients, post % (b"/campaigns", 10**7), flood=b"x" * 65_536), body),
        (Attack("endless chunks", clients, chunked, flood=b"1000\r\n" + b"x" * 4096 + b"\r\n"), body),
    ):
        yield Scene(attack, silent_s, silent_s)
    for attack in (Attack("hoards", hoard), Attack("hoards again", hoard, reopens=True)):
        yield Scene(attack, forever, GRACE_S * 2, limits.per_address)


def play(scene: Scene, port: int, workers: Sequence[int], paths: Sequence[str]) -> Outcome:
    """Attack the gateway on `port`, whose processes are `workers`; ask for `paths` meanwhile."""
    before = peak = memory(workers)
    with ExitStack() as stack:
        honest = stack.enter_context(HonestClient(port, paths))
        hostile = stack.enter_context(HostileClients(scene.attack, port))
        end = time.monotonic() + scene.seconds
        while time.monotonic() < end:
            peak = max(peak, memory(workers))
            time.sleep(LOOK_EVERY_S)
        late, left = hostile.open_for(scene.silent_s), hostile.open_for(0)
        opened = hostile.all_opened
    grown = peak - before
    faults = [f"an honest request failed: {failure}" for failure in honest.failures[:1]]
    if honest.failures:
        faults.append(f"{len(honest.failures)} of {honest.asked} honest requests failed")
    if not honest.asked or not opened:
        faults.append("the attack did not take place")
    if grown > MEMORY_MAX + MEMORY_PER_CONNECTION * scene.attack.connections:
        faults.append(f"the gateway's memory grew by {grown / MIB:.0f} MiB")
    if late:
        faults.append(f"{late} connections are open after {scene.silent_s:.0f} s")
    if left > scene.open_max:
        faults.append(f"one address has {left} connections")
    return Outcome(
        honest.asked, honest.percentile_ms(50), honest.percentile_ms(99), grown, faults
    )


def memory(processes: Sequence[int]) -> int:
    """Return the resident memory of processes, in bytes."""
    statm = (Path(f"/proc/{pid}/statm").read_text(encoding="ascii") for pid in processes)
    return sum(int(text.split()[1]) * PAGE for text in statm)


def run(
    limits: Limits, hoard: int, port: int, workers: Sequence[int], tally: Tally
) -> Iterator[str]:
    """Play every scene; yield a line on each."""
    for scene in scenes(limits, hoard, clients=60):
        outcome = play(scene, port, workers, ("/health", "/campaigns/welcome"))
        tally.requested(LAYER, outcome.asked)
        tally.responded(LAYER, "answered")
        tally.blame(LAYER, scene.attack.name, outcome.faults)
        yield f"{scene.attack.name}: {outcome}"
