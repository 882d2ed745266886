"""What the judge recorded about one stage, as JSON: `out/lab/4.json`, the reader's in `mine.json`.

Each text for people is {"en": …, "ko": …}; times are milliseconds from the scenario's beginning.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lab.judge.judge import DISTANCE_S
from lab.people import BY_ID
from lab.texts import text
from lab.timeline import timeline

if TYPE_CHECKING:
    from pathlib import Path

    from lab.catalogue import Stage
    from lab.judge.judge import StageOutcome
    from lab.judge.laws import Breach, Ruling
    from lab.judge.recording import Recording

# Of one broken promise: the others went the same way.
PEOPLE_SHOWN_MAX = 3
BIN_MS = 100


def write(folder: Path, stage: Stage, outcome: StageOutcome) -> Path:
    """Write the file of one stage; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stage.number or 'mine'}.json"
    content = json.dumps(as_json(stage, outcome), indent=1, ensure_ascii=False)
    path.write_text(f"{content}\n", encoding="utf-8")
    return path


def as_json(stage: Stage, outcome: StageOutcome) -> dict[str, Any]:
    """Return everything that a report needs to know about a stage."""
    source = stage.file.read_text(encoding="utf-8")
    return {
        "stage": stage.number,
        "title": stage.title,
        "own": stage.own,
        "breaks": sorted(stage.breaks),  # as its page says
        "either": sorted(stage.either),  # kept or broken, as fast as the machine is
        "file": stage.file.name,
        "lines": len(source.splitlines()),
        "source": source,
        "seconds": round(outcome.seconds, 1),
        "distance_ms": DISTANCE_S * 1000,
        "promises": [_promise(outcome, ruling) for ruling in outcome.rulings.values()],
        "burst": _burst(outcome.recordings["quota"]),
        "without_distance": _without_distance(outcome),
    }


def _promise(outcome: StageOutcome, ruling: Ruling) -> dict[str, Any]:
    recording = outcome.recordings.get(ruling.promise)
    return {
        "promise": ruling.promise,
        "title": text(ruling.promise),
        "fault": text(f"{ruling.promise}.fault"),
        "state": ruling.state,
        "counts": ruling.counts,
        "seen": ruling.seen,
        "breaches": len(ruling.breaches),
        "people": [
            _breach(recording, breach) for breach in ruling.breaches[:PEOPLE_SHOWN_MAX] if recording
        ],
    }


def _breach(recording: Recording, breach: Breach) -> dict[str, Any]:
    return {
        "person": asdict(BY_ID[breach.user_id]),
        "what": breach.what,
        "timeline": [event.as_json() for event in timeline(recording, breach.user_id)],
    }


def _burst(recording: Recording) -> dict[str, Any]:
    """Return the figures of the burst: what a plot needs."""
    latencies = sorted(round((p.ended_s - p.began_s) * 1000, 1) for p in recording.presses)
    first_s = min(press.began_s for press in recording.presses)
    took_s = max(press.ended_s for press in recording.presses) - first_s
    bins = Counter(
        int((call.at_s - first_s) * 1000 / BIN_MS)
        for call in recording.calls
        if call.server == "MySQL" and call.at_s >= first_s
    )
    answers = Counter(press.answer or "no answer" for press in recording.presses)
    return {
        "latencies_ms": latencies,
        "answers": answers,
        "seconds": round(took_s, 3),
        "answers_per_s": round(len(latencies) / took_s),
        "mysql_per_100_ms": [bins[number] for number in range(max(bins, default=0) + 1)],
        "mysql_calls": sum(bins.values()),
    }


def _without_distance(outcome: StageOutcome) -> dict[str, Any] | None:
    ruling = outcome.without_distance
    if ruling is None:
        return None
    return {"promise": ruling.promise, "state": ruling.state, "seen": ruling.seen}
