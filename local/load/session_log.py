"""What was seen of one day: written by the people's process, read by the one that judges."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from local.harness.responses import ApplyResponse
from local.load.responses import Endpoint, ResponseKind

if TYPE_CHECKING:
    from pathlib import Path

    from local.load.responses import ParsedResponse

FILES = "day-*.json"
HUNG_UP = "hung up"


@dataclass
class UserSession:
    """One person's day."""

    user: str
    # Each press, with its times counted from the opening.
    answers: list[ApplyResponse] = field(default_factory=list)
    # What was last seen of the coupon, and when, counted from the opening.
    state: str = ""
    serial: int | None = None
    code: str | None = None
    seen_s: float | None = None
    wrong: list[str] = field(default_factory=list)  # answers that nobody should get
    looks: int = 0
    left: bool = False

    def note(self, call: Endpoint, seen: ParsedResponse, sent_s: float, opened_s: float) -> None:
        """Keep what was seen of one call; `sent_s` is since 1970 as `opened_s`."""
        if seen.sort is ResponseKind.WRONG:
            self.wrong.append(f"{call}: {seen.outcome}")
        if call is Endpoint.APPLY:
            times_s = sent_s - opened_s, seen.at_s - opened_s
            self.answers.append(
                ApplyResponse(self.user, seen.outcome, seen.serial, seen.status, *times_s)
            )
        elif call is Endpoint.CAMPAIGN:
            self.looks += 1
        elif seen.sort is ResponseKind.ANSWERED:
            self.state, self.serial, self.code = seen.outcome, seen.serial, seen.code
            self.seen_s = seen.at_s - opened_s


@dataclass(frozen=True)
class Timing:
    """How long one kind of call took, as Locust counted it."""

    name: str
    count: int
    failures: int  # connections that broke, and answers that nobody should get
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class LoadResult:
    """One campaign and everybody who came."""

    campaign_id: str
    quantity: int
    opens_at_ms: int
    sessions: list[UserSession]
    timings: list[Timing]

    @property
    def ended(self) -> bool:
        """Whether everybody has left by themselves."""
        return all(session.left for session in self.sessions)

    def write(self, folder: Path) -> Path:
        """Write it into `folder`; the file is there whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / FILES.replace("*", self.campaign_id)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return part.rename(file)

    @classmethod
    def read(cls, file: Path) -> LoadResult:
        """Return what `write` wrote."""
        fields: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        sessions = [
            UserSession(
                **session | {"answers": [ApplyResponse(**answer) for answer in session["answers"]]}
            )
            for session in fields.pop("sessions")
        ]
        timings = [Timing(**timing) for timing in fields.pop("timings")]
        return cls(**fields, sessions=sessions, timings=timings)
