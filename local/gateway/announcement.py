"""Tells where the gateway listens, once it does."""

from __future__ import annotations

import contextlib
import http.client
import threading

# The time between two probes of the first worker; a start takes about 300 ms.
READY_PROBE_INTERVAL_S = 0.02
READY_PROBE_TIMEOUT_S = 5.0
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - only compared


def announce(host: str, port: int) -> None:
    """Print the address once a worker has responded."""
    pause = threading.Event()
    while not _responds(ANY_ADDRESS.get(host, host), port):
        pause.wait(READY_PROBE_INTERVAL_S)
    shown = f"[{host}]" if ":" in host else host
    print(f"listening on http://{shown}:{port}", flush=True)


def _responds(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=READY_PROBE_TIMEOUT_S)
    with contextlib.closing(connection):
        try:
            connection.request("HEAD", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
    return True
