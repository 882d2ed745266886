"""One JSON object per line on stderr: how the local programs log."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime


def log_line(level: str, message: str, **fields: object) -> None:
    """Write one line with the time (ISO 8601, UTC), `level`, `message` and `fields`."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = json.dumps(
        {"time": time, "level": level, "message": message, **fields},
        ensure_ascii=False,
        default=str,
    )
    # One write for the whole line: threads and processes that share stderr do not mix theirs.
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
