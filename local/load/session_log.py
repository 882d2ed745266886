"""The result of one load test: written by Locust's process, read by the one that checks it."""

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
    """What one user sent and received."""

    user: str
    # The response to each apply, with its times counted from the opening.
    responses: list[ApplyResponse] = field(default_factory=list)
    # The last response about the coupon, and when, counted from the opening.
    state: str = ""
    serial: int | None = None
    code: str | None = None
    seen_s: float | None = None
    wrong: list[str] = field(default_factory=list)  # responses that no user should get
    looks: int = 0
    left: bool = False

    def note(self, call: Endpoint, seen: ParsedResponse, sent_s: float, opened_s: float) -> None:
        """Record the response to one request; `sent_s` is since 1970 as `opened_s`."""
        if seen.sort is ResponseKind.WRONG:
            self.wrong.append(f"{call}: {seen.outcome}")
        if call is Endpoint.APPLY:
            times_s = sent_s - opened_s, seen.at_s - opened_s
            self.responses.append(
                ApplyResponse(self.user, seen.outcome, seen.serial, seen.status, *times_s)
            )
        elif call is Endpoint.CAMPAIGN:
            self.looks += 1
        elif seen.sort is ResponseKind.ANSWERED:
            self.state, self.serial, self.code = seen.outcome, seen.serial, seen.code
            self.seen_s = seen.at_s - opened_s


@dataclass(frozen=True)
class Timing:
    """How long one kind of request took, as Locust measured it."""

    name: str
    count: int
    failures: int  # connections that broke, and responses that no user should get
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class LoadResult:
    """One campaign and the sessions of all its users."""

    campaign_id: str
    quantity: int
    opens_at_ms: int
    sessions: list[UserSession]
    timings: list[Timing]

    @property
    def ended(self) -> bool:
        """Whether all users have left by themselves."""
        return all(session.left for session in self.sessions)

    def write(self, folder: Path) -> Path:
        """Write it into `folder`; the file is complete or does not exist."""
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
                **session | {"responses": [ApplyResponse(**each) for each in session["responses"]]}
            )
            for session in fields.pop("sessions")
        ]
        timings = [Timing(**timing) for timing in fields.pop("timings")]
        return cls(**fields, sessions=sessions, timings=timings)
