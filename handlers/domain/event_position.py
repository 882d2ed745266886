"""Where an event is in the list of a campaign: its name for clients, and where a page begins."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from handlers.domain import times
from handlers.domain.errors import InvalidRequestError

# Written with fixed limits, so that a number from a client always fits MySQL's columns.
WRITTEN = re.compile(r"([0-9]{1,15})-([01])-([0-9]{1,19})", re.ASCII)
NUMBER_MAX = 2**63 - 1
TEXT_MAX = 64

ISSUED, CHANGED = 0, 1  # the sources: rows of coupon, rows of coupon_event


class EventPosition(NamedTuple):
    """A position; positions compare as their events are listed.

    at_ms: MySQL's clock when the statement that wrote the row began.
    source: ISSUED or CHANGED. Of one moment the issued ones are first, since a coupon is
        issued before it is used.
    number: the serial, or the id of the row in coupon_event.
    """

    at_ms: int
    source: int
    number: int

    def number_of(self, source: int) -> int:
        """Return the number behind which the rows of this moment begin in a source."""
        if source == self.source:
            return self.number
        return 0 if source > self.source else NUMBER_MAX

    def __str__(self) -> str:
        """Return the text that clients get; they need not understand it."""
        text = f"{self.at_ms}-{self.source}-{self.number}"
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> EventPosition:
        """Read a client's text; raise InvalidRequestError for one that is not of this service."""
        position = cls._read(text)
        # Only the one text of a position counts: base64 would ignore some others.
        if position is None or str(position) != text:
            message = "after: must be a next_after, or the id of an event"
            raise InvalidRequestError(message)
        return position

    @classmethod
    def _read(cls, text: str) -> EventPosition | None:
        if not text.isascii() or len(text) > TEXT_MAX:
            return None
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            return None
        found = WRITTEN.fullmatch(raw)
        if found is None:
            return None
        position = cls(*map(int, found.groups()))
        is_sound = position.at_ms <= times.LATEST_MS and position.number <= NUMBER_MAX
        return position if is_sound else None


FIRST = EventPosition(0, ISSUED, 0)  # before every event
