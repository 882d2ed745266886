"""Bytes over real sockets to the gateway: each connection gets correct responses, or is closed."""

from __future__ import annotations

import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from random import Random
from typing import TYPE_CHECKING

from tests.fuzz.invariants import faults_of
from tests.fuzz.responses import MalformedError, Response, parse
from tests.fuzz.wire import Author, Script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.fuzz.tally import Tally

LAYER = "wire"
# Connections at once. They mostly wait, and are not a load test.
THREADS = 16
BATCH = 200
# After this silence the server is assumed to wait for the rest of an incomplete request.
QUIET_S = 0.15
# For a busy machine: a response that takes longer counts as a server that hangs.
HANG_S = 30.0


class HungError(Exception):
    """The server neither responded nor closed the connection, though all bytes were sent."""


def run(requests: int, seed: int, port: int, secrets: set[str], tally: Tally) -> Iterable[int]:
    """Send scripts until there were so many requests; yield their number after each batch.

    After each batch a valid request must still get its response.
    """
    author, done = Author.of(Random(seed)), 0  # noqa: S311 - reproducible by its seed
    with ThreadPoolExecutor(THREADS) as pool:
        while done < requests:
            scripts = [author.script() for _ in range(BATCH)]
            list(pool.map(lambda script: _play(script, port, secrets, tally), scripts))
            done += sum(script.requests for script in scripts)
            tally.blame(LAYER, "GET /health", _faults_of_sound_request(port))
            yield done


def _play(script: Script, port: int, secrets: set[str], tally: Tally) -> None:
    tally.requested(LAYER, script.requests)
    faults: list[str] = []
    responses: list[Response] = []
    try:
        received = exchange(script.data, port)
        responses = parse(received, maybe_head=b"HEAD" in script.data)
    except (MalformedError, HungError) as error:
        faults.append(str(error) or type(error).__name__)
    for response in responses:
        tally.responded(LAYER, response.status)
        status, headers, body = response
        faults += faults_of(status, headers, body, secrets, repr(script.data))
    if not responses:
        tally.responded(LAYER, "closed")
    tally.blame(LAYER, repr(script.data), faults)


def exchange(data: bytes, port: int) -> bytes:
    """Send `data`, then close the sending side; return what arrived until the server closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_S) as client:
        try:
            client.sendall(data)
            received = _read(client, QUIET_S)
            with suppress(OSError):  # the server closed at this moment
                client.shutdown(socket.SHUT_WR)
            return received + _read(client, HANG_S, must_end=True)
        except ConnectionError:  # refused in the middle: a closed connection
            return b""


def _read(client: socket.socket, quiet_s: float, *, must_end: bool = False) -> bytes:
    client.settimeout(quiet_s)
    chunks = []
    try:
        while chunk := client.recv(65_536):
            chunks.append(chunk)
    except TimeoutError:
        if must_end:
            raise HungError from None
    return b"".join(chunks)


def _faults_of_sound_request(port: int) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_S)
    with closing(connection):
        try:
            connection.request("GET", "/health")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return [f"a sound request afterwards: {type(error).__name__}"]
    return [] if status in {200, 503} else [f"a sound request afterwards: {status}"]
