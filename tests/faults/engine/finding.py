"""A history that broke a promise: what is saved of it, and the smallest one that does the same."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.engine import history
from tests.faults.engine.acts import Act
from tests.faults.engine.scenario import Fault, Scenario
from tests.faults.engine.shrink import shrink

if TYPE_CHECKING:
    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.history import Result

FOLDER = Path("out/faults")
# A rare violation may not show up in every play.
PLAYS = 2
# A campaign continues afterwards.
SHRINK_S = 120.0
# A lost coupon does not appear after longer waiting, least of all once all is consumed.
QUIET_S = 12.0
AGREE_S = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """The folder holds the programs' logs, the clients' responses, and both histories."""

    result: Result
    folder: Path


def save(cluster: Cluster, result: Result) -> Finding:
    """Copy what explains a violation to its final folder."""
    folder = FOLDER / f"{cluster.kafka}-seed-{result.scenario.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    for log in cluster.fleet.logs:
        shutil.copy(log, folder / "logs")
    for name, server in cluster.servers.by_name.items():
        shutil.copy(server.home / "server.log", folder / "logs" / f"{name}.log")
    text = "\n".join([*result.violations, "", *result.log, ""])
    (folder / "history.txt").write_text(text, encoding="utf-8")
    if result.judged:
        judged = "\n".join([*result.judged, ""])
        (folder / "journal.txt").write_text(judged, encoding="utf-8")
    write(result.scenario, folder / "history.json")
    return Finding(result, folder)


def smallest(cluster: Cluster, finding: Finding) -> Path:
    """Shrink the finding in this cluster; return the file of the smallest history."""
    deadline = time.monotonic() + SHRINK_S
    promises = {violation[:2] for violation in finding.result.violations}
    # A permanent error often prevents quiet too; on a busy machine a missing quiet proves nothing.
    promises = promises - {"P6"} or promises

    def fails(candidate: Scenario) -> bool:
        return any(_broken(cluster, candidate, deadline) & promises for _ in range(PLAYS))

    path = finding.folder / "smallest.json"
    write(shrink(finding.result.scenario, fails), path)
    return path


def _broken(cluster: Cluster, candidate: Scenario, deadline: float) -> set[str]:
    if time.monotonic() > deadline:
        return set()
    result = history.run(cluster, candidate, quiet_s=QUIET_S, agree_s=AGREE_S, patience_s=QUIET_S)
    return {violation[:2] for violation in result.violations}


def write(scenario: Scenario, path: Path) -> None:
    """Write a history as JSON."""
    path.write_text(json.dumps(dataclasses.asdict(scenario), indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Scenario:
    """Read a history that `write` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return Scenario(
        found["seed"],
        found["quantity"],
        tuple((at_s, user) for at_s, user in found["arrivals"]),
        tuple(Fault(**fault) for fault in found["faults"]),
        found.get("confirming", 0),
        tuple(Act(**act) for act in found.get("acts", ())),
        found.get("expires_s", 0.0),
        found.get("release_s", 0.0),
    )
