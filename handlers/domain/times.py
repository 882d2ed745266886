"""Times: milliseconds since 1970 inside, ISO 8601 in UTC with milliseconds outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Wide enough for any promotion, narrow enough for MySQL's DATETIME and for the clients' clocks.
EARLIEST_MS = 0
LATEST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z
# The thousands of times of a burst lie within a few seconds, and converting the second is the cost.
SECONDS_CACHED = 1024


def to_datetime(time_ms: int) -> datetime:
    """Return `time_ms` as an aware datetime in UTC, exact to the millisecond."""
    return EPOCH + timedelta(milliseconds=time_ms)


def from_datetime(time: datetime) -> int:
    """Return an aware datetime (a naive one counts as UTC, as MySQL gives it) in ms."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(milliseconds=1)


def to_iso(time_ms: int) -> str:
    """Return for example 2026-11-22T03:00:00.123Z."""
    second, ms = divmod(time_ms, 1000)
    return f"{_second(second)}.{ms:03d}Z"


def to_mysql(time_ms: int) -> str:
    """Return for example 2026-11-22 03:00:00.123, a DATETIME(3) of a session in UTC."""
    second, ms = divmod(time_ms, 1000)
    return f"{_second(second, ' ')}.{ms:03d}"


@lru_cache(SECONDS_CACHED)
def _second(time_s: int, separator: str = "T") -> str:
    return (EPOCH + timedelta(seconds=time_s)).replace(tzinfo=None).isoformat(separator)


@lru_cache(SECONDS_CACHED)
def from_iso_second(text: str) -> int:
    """Parse for example 2026-11-22T03:00:00, in UTC, into ms; raise ValueError."""
    return from_iso(f"{text}Z")


def from_iso(text: str) -> int:
    """Parse ISO 8601 with an offset or Z into ms (finer digits are cut); raise ValueError."""
    if not (text.isascii() and text.isprintable()):  # the parser ignores some of these
        message = "a time is written in printable ASCII"
        raise ValueError(message)
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        message = "a time needs Z or an offset"
        raise ValueError(message)
    time_ms = (time - EPOCH) // timedelta(milliseconds=1)
    if not EARLIEST_MS <= time_ms <= LATEST_MS:
        message = "a time lies between the years 1970 and 9999"
        raise ValueError(message)
    return time_ms
