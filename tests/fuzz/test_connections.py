"""The short form of the attacks on the gateway's connections; and each guard is needed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.cluster import EVERYTHING
from tests.fuzz.connection_layer import (
    PATHS,
    Limits,
    Outcome,
    hoarding_scenes,
    play,
    silent_scenes,
)
from tests.support.programs import running_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fuzz.connection_layer import Scene

LIMITS = Limits(idle_s=1, body_s=1, stalled_s=1, per_address=48, grace_s=3)
# Who hoards does so for twice the grace.
HOARDING = replace(LIMITS, grace_s=1.75)
CLIENTS = 12
# The gateway of these tests takes fewer connections than hoarders want.
CONNECTIONS_MAX = 400
HOARDED = 600
# What is not read fills the buffer soon.
SMALL = {
    "local.serve.CONNECTIONS_MAX": CONNECTIONS_MAX,
    "local.gateway.connection_guard.SEND_BUFFER_BYTES": 4096,
}
GUARDS = SMALL | {
    "local.serve.IDLE_TIMEOUT_S": 1,
    "local.gateway.body.BODY_TIMEOUT_S": 1,
    "local.gateway.connection_guard.STALLED_TIMEOUT_S": 1,
}
NO_GUARDS = SMALL | {
    "local.serve.IDLE_TIMEOUT_S": 60,
    "local.gateway.body.BODY_TIMEOUT_S": 60,
    "local.gateway.connection_guard.STALLED_TIMEOUT_S": 60,
}
EVERY_BODY = {"local.gateway.body.BODY_BYTES_MAX": 10**9}


@contextmanager
def gateway(
    environment: dict[str, str], constants: dict[str, int], per_address: int
) -> Iterator[tuple[int, list[int]]]:
    """Run a gateway of one process with these constants; yield its port and its process."""
    options = ("--port=0", "--workers=1", f"--connections-per-address={per_address}")
    everything = environment | EVERYTHING
    with running_with("local.serve", constants, *options, environment=everything) as program:
        line = program.out.until(lambda line: "listening on" in line)
        workers = program.children
        yield int(line.rpartition(":")[2]), workers
        assert program.children == workers


def outcome(
    environment: dict[str, str],
    constants: dict[str, int],
    scenes: list[Scene],
    per_address: int = CONNECTIONS_MAX,
) -> Outcome:
    with gateway(environment, constants, per_address) as (port, workers):
        return play(scenes, port, workers, PATHS)


@pytest.mark.usefixtures("secrets")
def test_who_is_slow_or_silent_or_never_reads_harms_no_other_and_is_cut_off(
    environment: dict[str, str],
) -> None:
    found = outcome(environment, GUARDS, silent_scenes(LIMITS, CLIENTS))
    assert found.faults == []


@pytest.mark.usefixtures("secrets")
def test_control_without_timeouts_every_silent_client_keeps_its_connection(
    environment: dict[str, str],
) -> None:
    scenes = silent_scenes(LIMITS, CLIENTS)
    faults = outcome(environment, NO_GUARDS, scenes).faults
    # These are refused at once, by no timeout.
    not_waited_for = {"unknown path", "long body", "endless chunks"}
    names = {scene.attack.name for scene in scenes} - not_waited_for
    assert {fault.partition(":")[0] for fault in faults} == names


@pytest.mark.usefixtures("secrets")
def test_control_with_bodies_of_any_length_memory_is_not_bounded(
    environment: dict[str, str],
) -> None:
    long = [scene for scene in silent_scenes(LIMITS, CLIENTS) if scene.attack.name == "long body"]
    faults = outcome(environment, NO_GUARDS | EVERY_BODY, long).faults
    assert any("memory grew" in fault for fault in faults)


@pytest.mark.usefixtures("secrets")
def test_one_address_that_takes_all_connections_leaves_enough_for_others(
    environment: dict[str, str],
) -> None:
    for scene in hoarding_scenes(HOARDING, HOARDED):
        found = outcome(environment, GUARDS, [scene], LIMITS.per_address)
        assert found.faults == []


@pytest.mark.usefixtures("secrets")
def test_control_without_the_bound_per_address_others_are_shut_out(
    environment: dict[str, str],
) -> None:
    [scene, _] = hoarding_scenes(HOARDING, HOARDED)
    faults = outcome(environment, NO_GUARDS, [scene], per_address=0).faults
    assert any("honest requests failed" in fault for fault in faults)
    assert any("one address has" in fault for fault in faults)
