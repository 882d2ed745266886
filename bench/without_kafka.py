"""The gateway with a Kafka that acknowledges at once: the cost of admission alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from handlers import wiring
from local.gateway.app import application

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.coupon import OutgoingMessage

__all__ = ["application"]


class Acknowledged:
    """Takes the role of the publisher."""

    def publish_all(self, outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]:
        """Report that Kafka has them all."""
        return [True] * len(outgoing_messages)


# Kept for as long as the worker lives: the override ends with its context.
_OVERRIDES = ExitStack()
_OVERRIDES.enter_context(wiring.override(wiring.publisher, Acknowledged()))
