"""A client that behaves, and measures how it is served meanwhile."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

# A person has given up by then.
ANSWER_S = 5.0
PAUSE_S = 0.01


class HonestClient:
    """Asks for one path after the other, each on a connection of its own, on a thread."""

    def __init__(self, port: int, paths: Sequence[str]) -> None:
        self._port, self._paths = port, paths
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.latencies_ms: list[float] = []
        self.failures: list[str] = []

    @property
    def asked(self) -> int:
        return len(self.latencies_ms) + len(self.failures)

    def percentile_ms(self, percent: int) -> float:
        """Return that percentile of the answered requests; 0.0 where none was answered."""
        ordered = sorted(self.latencies_ms)
        return ordered[len(ordered) * percent // 100] if ordered else 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(PAUSE_S):
            self._ask(self._paths[self.asked % len(self._paths)])

    def _ask(self, path: str) -> None:
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S)
        with closing(connection):
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{path}: {type(error).__name__}")
                return
        if response.status == http.client.OK:
            self.latencies_ms.append((time.perf_counter() - started) * 1000)
        else:
            self.failures.append(f"{path}: {response.status}")
