"""Ports for servers that have not bound them yet."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from local.servers import ports
from local.servers.ports import GIVEN_MAX, free_port
from tests.support.paths import ROOT


def test_no_two_callers_get_the_same_port_before_it_is_bound() -> None:
    ports._given.clear()
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: free_port(), range(GIVEN_MAX)))
    assert len(set(given)) == GIVEN_MAX


def test_ports_do_not_run_out_however_many_are_asked_for() -> None:
    ports._given.clear()
    for _ in range(GIVEN_MAX + 10):
        free_port()
    assert len(ports._given) <= GIVEN_MAX


def another_process_gets(port: int) -> bool:
    """Return whether another process is given `port` when it has no other choice."""
    code = (
        "from local.servers import ports\n"
        f"ports.PORT_FIRST, ports.PORT_COUNT = {port}, 1\n"
        "ports.free_port()"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "found no free port" in done.stderr
    return done.returncode == 0


def test_a_port_that_one_process_was_given_no_other_gets_although_it_is_not_bound() -> None:
    given = free_port()
    assert not another_process_gets(given)
    # The control: the same port, released.
    ports._given.clear()
    fcntl.lockf(ports._locks[0], fcntl.LOCK_UN)
    assert another_process_gets(given)
