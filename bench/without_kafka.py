"""The gateway with a Kafka that acknowledges at once: what admission itself takes."""

from __future__ import annotations

from typing import Any

from handlers import wiring
from local.gateway import application

__all__ = ["application"]


class Acknowledged:
    """In the publisher's place."""

    def publish(self, *_: Any) -> bool:
        """Say that Kafka has it."""
        return True


wiring.publisher = lambda: Acknowledged()  # type: ignore[assignment,return-value]  # noqa: PLW0108
