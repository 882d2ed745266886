"""What the users of a history were told."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ResponseStats:
    """One user's responses of one campaign: (code, serial) in order; unsure: none, or a 503.

    forgiven: so many were heard before an erasure; who was erased hears SOLD_OUT like all others.
    """

    heard: list[tuple[str, int]] = field(default_factory=list)
    unsure: bool = False
    forgiven: float = 0

    @property
    def serials(self) -> list[int]:
        return [serial for _, serial in self.heard if serial]
