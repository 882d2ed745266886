"""One attempt to send an event to a webhook, its result, and when the next attempt is."""

from __future__ import annotations

import random
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.domain.webhook_event import WebhookEvent

# Four times as long after each attempt: eleven of them in the three days that the outbox's
# statements give an event, the last ones six hours apart.
PAUSE_S, PAUSE_S_MAX = 5, 6 * 3600
# A receiver may ask for more time, within reason.
RETRY_AFTER_S_MAX = 3600


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """An event that is to be sent now; number counts the attempts, this one included."""

    event: WebhookEvent
    number: int


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What came of a request.

    http_status: None where no answer came; error says why. An error has no text of the receiver.
    """

    http_status: int | None
    error: str = ""
    retry_after_s: int = 0

    @property
    def arrived(self) -> bool:
        """Whether the receiver has taken the event: any 2xx."""
        return self.http_status is not None and self.http_status // 100 == 2  # noqa: PLR2004 - 2xx

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no more events, ever."""
        return self.http_status == HTTPStatus.GONE

    def describe(self) -> str:
        """Return in some words why the event did not arrive."""
        return self.error or f"the receiver answered {self.http_status}"


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """A delivery that was sent, and its answer."""

    delivery: DueDelivery
    answer: WebhookAnswer

    def pause_s(self) -> float:
        """Return the seconds to the next attempt: ever longer, a part of it random."""
        longest = min(PAUSE_S << min(2 * (self.delivery.number - 1), 30), PAUSE_S_MAX)
        return max(self.answer.retry_after_s, longest * random.uniform(0.75, 1.25))  # noqa: S311 - jitter


def retry_after_s(text: str | None) -> int:
    """Return the seconds of a Retry-After header; 0 where it has none (a date counts as none)."""
    if text and text.isascii() and text.isdecimal():
        short = len(text) <= len(str(RETRY_AFTER_S_MAX))
        return min(int(text), RETRY_AFTER_S_MAX) if short else RETRY_AFTER_S_MAX
    return 0
