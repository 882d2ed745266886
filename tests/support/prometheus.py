"""promtool and Prometheus of local/setup.sh, and what a program shows them."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from tests.support.paths import ROOT
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.programs import Program

OBSERVABILITY = ROOT / "infra" / "observability"
RULES = sorted((OBSERVABILITY / "rules").glob("*.yml"))
BOARD = OBSERVABILITY / "grafana" / "boards" / "seonchak.json"
UNPACKED = ROOT / "out" / "prometheus" / "usr" / "bin"


def tool(name: str) -> str:
    """Return the path of promtool or prometheus."""
    found = shutil.which(name) or shutil.which(name, path=str(UNPACKED))
    assert found, f"{name} is missing: `make test-observability` fetches it"
    return found


def promtool(*arguments: str | Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [tool("promtool"), *map(str, arguments)]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, timeout=WAIT_S
    )


@dataclass(frozen=True)
class Scrape:
    """What a program showed at one moment."""

    text: str
    samples: dict[str, list[tuple[dict[str, str], float]]]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples with these labels; 0 where there is none."""
        return sum(
            number
            for found, number in self.samples.get(name, [])
            if labels.items() <= found.items()
        )

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Return the samples with these labels, added up by another label."""
        values = {found[label] for found, _ in self.samples.get(name, [])}
        sums = {value: self.value(name, **labels, **{label: value}) for value in values}
        return {value: number for value, number in sums.items() if number}


def read(url: str) -> Scrape:
    with urllib.request.urlopen(url, timeout=WAIT_S) as response:  # noqa: S310 - ours
        text = response.read().decode()
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return Scrape(text, samples)


def url_of(program: Program) -> str:
    """Return where a program shows its metrics, as it says in its log."""
    line = program.err.until(lambda text: json.loads(text)["message"] == "metrics")
    return str(json.loads(line)["url"])
