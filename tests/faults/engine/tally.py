"""Counts the histories and violations of a campaign, as text and as JSON."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.engine import act_counts
from tests.faults.notes import Note

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.engine.history import Result


@dataclass(slots=True)
class Tally:
    """All results of a campaign, as they arrive."""

    kafka: str
    results: list[Result] = field(default_factory=list)
    broken_clusters: list[str] = field(default_factory=list)
    wall_s: float = 0.0

    @property
    def failed(self) -> list[Result]:
        """The histories in which a promise was broken."""
        return [result for result in self.results if result.violations]

    @property
    def is_clean(self) -> bool:
        """Whether every history was played and no promise was broken."""
        return not self.failed and not self.broken_clusters and not self.lost

    @property
    def lost(self) -> int:
        """The number of accepted users without a coupon: nothing excuses one."""
        return sum(result.lost for result in self.results)

    def paths(self) -> dict[str, int]:
        """Return how many admissions went which way between the script and the response."""
        noted = sum((result.noted for result in self.results), Counter[str]())
        ways = (Note.CONFIRMED, Note.UNCONFIRMED, Note.WRITTEN, Note.UNWRITTEN)
        return {way: noted[way] for way in ways} | {
            "superseded": sum(result.superseded for result in self.results),
            "rebuilds": noted[Note.OPENED],
        }

    def reopened(self) -> dict[str, list[float]]:
        """Return by the last fault of a history that Redis forgot by: seconds to the open campaign.

        Other faults of the same history make them longer.
        """
        seconds: dict[str, list[float]] = {}
        for result in self.results:
            if result.reopened:
                name, after_s = result.reopened
                seconds.setdefault(name, []).append(after_s)
        return seconds

    def by_fault(self) -> dict[str, tuple[int, int, int]]:
        """Return by fault: how often it happened, in how many histories, how many of these broke.

        A named point that was armed and that no program reached did not happen, nor did a fault
        that found no server which it could strike.
        """
        times: Counter[str] = Counter()
        histories: Counter[str] = Counter()
        broken: Counter[str] = Counter()
        for result in self.results:
            happened = [
                fault
                for fault in result.scenario.faults
                if fault.target not in result.unreached and fault not in result.passed_over
            ]
            names = [fault.name for fault in happened]
            times.update(names)
            histories.update(set(names))
            if result.violations:
                broken.update(set(names))
        return {name: (times[name], histories[name], broken[name]) for name in sorted(times)}

    def table(self) -> str:
        """Return the summary as text."""
        lines = [f"{'fault':34}{'times':>8}{'histories':>11}{'broken':>8}"]
        for name, (times, histories, broken) in self.by_fault().items():
            lines.append(f"{name:34}{times:8}{histories:11}{broken:8}")
        lines += ["", *act_counts.table(act_counts.total(one.acts for one in self.results))]
        durations = [result.duration_s for result in self.results] or [0.0]
        lines += [
            f"{len(self.results)} histories on {self.kafka} in {self.wall_s:.0f} s",
            f"median {statistics.median(durations):.1f} s, the longest {max(durations):.1f} s",
            f"{sum(result.responses for result in self.results)} responses to clients",
            *_about(self.paths()),
            *(
                f"open again {statistics.median(after_s):.1f} s after {name}, "
                f"{max(after_s):.1f} s at most, in {len(after_s)} histories"
                for name, after_s in sorted(self.reopened().items())
            ),
            *self._about_places(),
            *self._about_journals(),
            *self._about_confirming(),
            f"{self.lost} accepted users have no coupon",
            f"{len(self.failed)} histories broke a promise",
        ]
        return "\n".join(lines)

    def _about_places(self) -> list[str]:
        """Return how many places were returned; one that was not given again breaks its history."""
        acted = [result for result in self.results if result.acts]
        if not acted:
            return []
        places = sum(result.places_returned for result in acted)
        return [
            f"{len(acted)} histories with shops, givers or administrators",
            f"{places} places returned, and as many serials given above the quantity",
        ]

    def _about_journals(self) -> list[str]:
        """Return what the model said; a journal with a gap shows nothing, accepted or not."""
        events = sum(result.events for result in self.results)
        whole = [result for result in self.results if not result.gaps]
        accepted = len(whole) - sum(result.is_rejected for result in whole)
        line = f"{accepted} journals accepted by the model, {events} events"
        gaps = len(self.results) - len(whole)
        reasons = Counter(why for one in self.results for why in {_reason(g) for g in one.gaps})
        return [
            f"{line}; {gaps} with a gap" if gaps else line,
            *(f"  {times} with the gap: {why}" for why, times in sorted(reasons.items())),
        ]

    def _about_confirming(self) -> list[str]:
        """Return what confirming replicas did, and what happened where there were none."""
        confirming = [result for result in self.results if result.scenario.confirming]
        is_open = [result for result in self.results if result.scenario.is_open_to_loss]
        cut = sum(result.scenario.has_silent_cut for result in confirming)
        lost = sum(result.lost_in_window for result in is_open)
        if not confirming and not is_open:
            return []
        return [
            f"{len(confirming)} histories with a confirming replica, {cut} with a silent cut",
            f"{len(is_open)} with a silent cut and none: {lost} accepted users lost, as documented",
        ]

    def write(self, path: Path) -> None:
        """Write the results as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self._json(), indent=1) + "\n", encoding="utf-8")

    def _json(self) -> dict[str, Any]:
        return {
            "kafka": self.kafka,
            "histories": len(self.results),
            "violations": len(self.failed),
            "lost": self.lost,
            "paths": self.paths(),
            "acts": {
                verb: counts._asdict()
                for verb, counts in act_counts.total(one.acts for one in self.results).items()
            },
            "wall_s": round(self.wall_s, 1),
            "broken_worlds": self.broken_clusters,
            "faults": {
                name: {"times": times, "histories": histories, "broken": broken}
                for name, (times, histories, broken) in self.by_fault().items()
            },
            "results": [
                {
                    "seed": result.scenario.seed,
                    "faults": [str(fault) for fault in result.scenario.faults],
                    "acts": {verb: of._asdict() for verb, of in result.acts.items()},
                    "places_returned": result.places_returned,
                    "duration_s": round(result.duration_s, 2),
                    "lost": result.lost,
                    "confirming": result.scenario.confirming,
                    "lost_in_window": result.lost_in_window,
                    "excused": result.excused,
                    "superseded": result.superseded,
                    "reopened": result.reopened,
                    "noted": dict(result.noted),
                    "unreached": sorted(result.unreached),
                    "events": result.events,
                    "gaps": result.gaps,
                    "violations": result.violations,
                    "log": result.log if result.violations else [],
                }
                for result in sorted(self.results, key=lambda result: result.scenario.seed)
            ],
        }


def _reason(gap: str) -> str:
    """Return a gap without its details."""
    return gap.split(":", 1)[0]


def _about(paths: dict[str, int]) -> list[str]:
    """Return what the campaign has reached; a proof that missed a path must not look like one."""
    written, refused = paths[Note.WRITTEN], paths[Note.UNWRITTEN]
    lines = [
        f"{paths[Note.CONFIRMED]} admissions confirmed after Kafka's ack",
        f"{paths[Note.UNCONFIRMED]} not confirmed: Redis was in another history by then",
        f"{written} admissions written to MySQL by apply, {refused} refused there",
        f"{paths['superseded']} records refused: too late for one of {paths['rebuilds']} rebuilds",
    ]
    if not written:
        lines.append("no admission was written by apply: nothing is shown about that path")
    return lines
