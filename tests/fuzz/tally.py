"""The results of the requests: counts by layer and status, with the first faults in full."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Enough to see what is wrong; a fault that repeats ten thousand times does not fill the disk.
FAULTS_STORED = 20
SHOWN_LENGTH_MAX = 600


@dataclass(frozen=True)
class Fault:
    """A forbidden response, with its faults and the request."""

    layer: str
    faults: list[str]
    request: str


@dataclass
class Tally:
    """Counts, safe for several threads."""

    seed: int
    requests: Counter[str] = field(default_factory=Counter)
    responses: Counter[str] = field(default_factory=Counter)
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def requested(self, layer: str, number: int = 1) -> None:
        with self._lock:
            self.requests[layer] += number

    def responded(self, layer: str, status: int | str) -> None:
        with self._lock:
            self.responses[f"{layer} {status}"] += 1

    def blame(self, layer: str, request: str, faults: list[str]) -> None:
        """Record a faulty response; do nothing without faults."""
        with self._lock:
            self.fault_count += bool(faults)
            if faults and len(self.faults) < FAULTS_STORED:
                self.faults.append(Fault(layer, faults, request[:SHOWN_LENGTH_MAX]))

    @property
    def total(self) -> int:
        return self.requests.total()

    def write(self, path: Path, seconds: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        result = {
            "seed": self.seed,
            "requests": dict(self.requests),
            "answers": dict(sorted(self.responses.items())),
            "fault_count": self.fault_count,
            "faults": [asdict(fault) for fault in self.faults],
            "seconds": round(seconds, 1),
        }
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
