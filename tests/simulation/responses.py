"""What the users of a history were told."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ResponseStats:
    """One user's responses of one campaign: (code, serial) in order; unsure: none, or a 503."""

    heard: list[tuple[str, int]] = field(default_factory=list)
    unsure: bool = False

    @property
    def serials(self) -> list[int]:
        return [serial for _, serial in self.heard if serial]
