"""The journal: every call of a run, who made it, when, and what the server answered."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# A statement of a whole batch names each of its users; it is searched for a person.
TEXT_LENGTH_MAX = 50_000


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call of a server, or one thing that happened: the lab's faults are in it, too."""

    at_s: float  # on the machine's monotonic clock, which all processes share
    actor: str  # "app 1", "consumer", "lab", or a person's id for presses and answers
    server: str  # Redis, Kafka, MySQL; empty for what is not a call
    text: str
    answer: str
    user_id: str  # of the person for whom it was made; empty for a batch

    def concerns(self, user_id: str) -> bool:
        """Whether it was made for this person, or names her."""
        if self.user_id:
            return self.user_id == user_id
        return re.search(rf"(?<![\w-]){re.escape(user_id)}(?![\w-])", self.text) is not None


class Journal:
    """Appends to a file of this process, line by line: a killed process leaves all it did."""

    def __init__(self, folder: Path, actor: str) -> None:
        self.actor = actor
        self._file = os.open(
            folder / f"{actor.replace(' ', '-')}-{os.getpid()}.jsonl",
            os.O_WRONLY | os.O_CREAT | os.O_APPEND,
            0o600,
        )

    def note(self, server: str, text: str, answer: str = "", user_id: str = "") -> None:
        """Write one line, with the time of now."""
        call = RecordedCall(
            time.monotonic(), self.actor, server, text[:TEXT_LENGTH_MAX], answer, user_id
        )
        os.write(self._file, json.dumps(asdict(call)).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read(folder: Path) -> list[RecordedCall]:
    """Return everything that all processes wrote, in the order of time."""
    return in_order(
        RecordedCall(**json.loads(line))
        for file in folder.glob("*.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.endswith("}")  # the last one of a killed process may be cut
    )


def in_order(calls: Iterable[RecordedCall]) -> list[RecordedCall]:
    """Return calls in the order of time."""
    return sorted(calls, key=lambda call: call.at_s)
