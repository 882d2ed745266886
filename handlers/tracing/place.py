"""Where a span is in its trace, and how a header says so (W3C Trace Context)."""

from __future__ import annotations

import random
import re
from hashlib import sha256
from typing import NamedTuple

HEADER = "traceparent"
# Later versions may add to it: what this version knows comes first.
FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
# More than any version has by now. What is longer is an attack on the expression.
CHARACTERS_MAX = 512
FIRST_VERSION, NO_VERSION = "00", "ff"
SAMPLED = 0x01


class Place(NamedTuple):
    """A span of a trace; both numbers are above 0.

    trace_id has 128 bits, span_id 64. is_sampled: whether the trace is recorded.
    """

    trace_id: int
    span_id: int
    is_sampled: bool

    def header(self) -> str:
        """Return the value of `traceparent`."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{'01' if self.is_sampled else '00'}"


def parse(header: str) -> Place | None:
    """Return the place that a `traceparent` names; None for one that is not well-formed."""
    found = FORM.fullmatch(header.strip(" \t")) if len(header) <= CHARACTERS_MAX else None
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    if version == NO_VERSION or (version == FIRST_VERSION and rest):
        return None
    place = Place(int(trace_id, 16), int(span_id, 16), bool(int(flags, 16) & SAMPLED))
    return place if place.trace_id and place.span_id else None


def new_trace_id() -> int:
    """Return an id that no other trace has."""
    return random.getrandbits(128) or 1


def new_span_id() -> int:
    """Return an id that no other span of a trace has."""
    return random.getrandbits(64) or 1


def ids_of_coupon(campaign_id: str, serial: int, admitted_at_ms: int) -> tuple[int, int]:
    """Return the ids of a coupon's trace and of its first span, the press.

    Each program finds them by itself: the one that relays or redrives a coupon knows nothing of
    the press but these three. A serial that was given back is another coupon: its time differs.
    """
    digest = sha256(f"seonchak:{campaign_id}:{serial}:{admitted_at_ms}".encode()).digest()
    return int.from_bytes(digest[:16], "big") or 1, int.from_bytes(digest[16:24], "big") or 1
