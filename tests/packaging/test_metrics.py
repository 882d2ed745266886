"""Metrics: docs/operate.md names them all, and the deployed code needs no library for them."""

from __future__ import annotations

import re

import yaml

from handlers.domain import metrics
from tests.packaging.source import imported_names, is_inside, python_files
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
METRIC = re.compile(r"^\| `(seonchak_[a-z_]+)` \| (\w+) \| (.*?) \| (.+) \|$", re.MULTILINE)
ALERT = re.compile(r"^\| ((?:`[A-Z]\w+`(?:, )?)+) \| (page|ticket|info) \|", re.MULTILINE)


def section() -> str:
    _, _, rest = PAGE.partition("\n## Metrics\n")
    return rest.partition("\n## ")[0]


def test_the_table_of_metrics_is_the_list_in_the_code() -> None:
    rows = [
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels, _ in METRIC.findall(section())
    ]
    assert rows == [(one.name, one.kind, one.labels) for one in metrics.ALL]


def test_the_table_of_alerts_is_the_file_of_alerts() -> None:
    named = {
        alert: severity
        for alerts, severity in ALERT.findall(section())
        for alert in re.findall(r"\w+", alerts)
    }
    rules = ROOT / "infra" / "observability" / "rules" / "alerts.yml"
    [group] = yaml.safe_load(rules.read_text("utf-8"))["groups"]
    assert named == {rule["alert"]: rule["labels"]["severity"] for rule in group["rules"]}


def test_only_the_programs_that_show_metrics_import_prometheus_client() -> None:
    importing = {
        file.parent.relative_to(ROOT).as_posix()
        for file in [ROOT / "app.py", *python_files("handlers", "local")]
        if any(is_inside(name, "prometheus_client") for name in imported_names(file))
    }
    assert importing == {"local/metrics"}
