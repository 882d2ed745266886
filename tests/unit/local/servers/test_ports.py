"""Ports for servers that have not bound them yet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from local.servers import ports
from local.servers.ports import GIVEN_MAX, free_port


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
