"""What the model says of a journal."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Verdict:
    """What the model says: how many events it has judged, and the rejected ones by time."""

    events: int = 0
    rejected: list[tuple[float, str]] = field(default_factory=list)
    gaps: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """The first event that the model does not allow, and its guard; "" when it accepts all."""
        return self.lines()[0] if self.rejected else ""

    def lines(self) -> list[str]:
        """Return what the model does not allow, in the order of time."""
        return [why for _, why in sorted(self.rejected)]

    def reject(self, at_s: float, event: object, error: Exception) -> None:
        """Note an event that the model does not allow."""
        self.rejected.append((at_s, f"{event}: {error}"))
