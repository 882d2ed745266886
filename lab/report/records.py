"""The recorded files of the stages: `1.json` to `9.json` and `mine.json`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lab.catalogue import STAGES
from local.harness.processes import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, Any]
NAMES = (*(f"{stage.number}.json" for stage in STAGES), "mine.json")
NEEDED = {
    "stage", "title", "breaks", "either", "file", "source", "seconds", "distance_ms", "promises",
    "burst", "without_distance",
}  # fmt: skip


def load(folder: Path) -> list[Record]:
    """Return the recorded stages in order, each with "when", the time of its file.

    Raises HarnessError when there is none, or when a file is not a record of the lab.
    """
    found = [_read(folder / name) for name in NAMES if (folder / name).is_file()]
    if not found:
        message = f"nothing is recorded in {folder}; first: make lab"
        raise HarnessError(message)
    return found


def _read(path: Path) -> Record:
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        missing = NEEDED - set(record)
        events = [e for p in record["promises"] for one in p["people"] for e in one["timeline"]]
    except (ValueError, TypeError, KeyError) as error:
        message = f"{path} is no record of the lab ({error!r}); remove it, or run its stage again"
        raise HarnessError(message) from error
    if missing or any("says" not in event for event in events):
        message = f"{path} is a record of another version of the lab; run its stage again"
        raise HarnessError(message)
    written = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    return record | {"when": written.strftime("%Y-%m-%d %H:%M")}
