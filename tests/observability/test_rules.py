"""Prometheus's configuration, its rules and the board: valid, and about metrics that exist."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from handlers.domain import metrics
from tests.support.paths import ROOT
from tests.support.prometheus import BOARD, OBSERVABILITY, RULES, promtool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HISTORIES = ROOT / "tests" / "observability" / "alerts.yml"
NAME = re.compile(r"\b(?:[a-z]+:)?seonchak[a-z0-9_:]*")
PROMETHEUS_OWN = {"up", "ALERTS"}


def rules() -> Iterator[dict[str, Any]]:
    for file in RULES:
        for group in yaml.safe_load(file.read_text("utf-8"))["groups"]:
            yield from group["rules"]


def board_expressions() -> list[str]:
    board = json.loads(BOARD.read_text("utf-8"))
    targets = [target for panel in board["panels"] for target in panel.get("targets", [])]
    annotations = board["annotations"]["list"]
    return [one["expr"] for one in [*targets, *annotations]]


def shown_names() -> set[str]:
    """Return the names of all series that our metrics and recording rules make."""
    names = {str(rule["record"]) for rule in rules() if "record" in rule}
    for metric in metrics.ALL:
        if metric.kind == "histogram":
            names |= {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
        else:
            names.add(metric.name)
    return names


def names_in(expression: str) -> set[str]:
    # What is in quotes is the value of a label.
    return set(NAME.findall(re.sub(r'"[^"]*"', "", expression)))


def test_prometheus_accepts_its_configuration_and_its_rules() -> None:
    checked = promtool("check", "config", OBSERVABILITY / "prometheus.yml")
    assert checked.returncode == 0, checked.stderr
    assert f"{len(RULES)} rule files found" in checked.stdout
    assert "0 rules found" not in checked.stdout


def test_each_alert_fires_in_its_history_and_none_on_a_good_day() -> None:
    played = promtool("test", "rules", HISTORIES)
    assert played.returncode == 0, played.stdout + played.stderr


def test_each_alert_has_a_history_in_which_it_fires_and_two_in_which_it_does_not() -> None:
    alerts = {str(rule["alert"]) for rule in rules() if "alert" in rule}
    histories = yaml.safe_load(HISTORIES.read_text("utf-8"))["tests"]
    tested = [one for history in histories for one in history["alert_rule_test"]]
    firing = [one["alertname"] for one in tested if one.get("exp_alerts")]
    quiet = [one["alertname"] for one in tested if not one.get("exp_alerts")]
    assert sorted(firing) == sorted(alerts)
    assert sorted(quiet) == sorted([*alerts, *alerts])


def test_the_control_a_history_notices_a_threshold_that_was_moved(tmp_path: Path) -> None:
    for file in RULES:
        text = file.read_text("utf-8").replace("share5m > 0.01", "share5m > 0.1")
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    histories = HISTORIES.read_text("utf-8").replace("../../infra/observability/rules/", "")
    (tmp_path / "alerts_test.yml").write_text(histories, encoding="utf-8")
    played = promtool("test", "rules", tmp_path / "alerts_test.yml")
    assert played.returncode != 0
    assert "ApplicantsGet503" in played.stdout + played.stderr


@pytest.mark.parametrize(
    "rule", list(rules()), ids=lambda rule: rule.get("alert") or rule["record"]
)
def test_a_rule_is_about_metrics_that_exist(rule: dict[str, Any]) -> None:
    named = names_in(rule["expr"])
    assert named or "up{" in rule["expr"]
    assert named - shown_names() == set()


def test_an_alert_says_how_bad_it_is_and_what_happened() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"page", "ticket", "info"}, rule
            assert rule["annotations"]["summary"].endswith("."), rule


def test_the_board_is_about_metrics_that_exist() -> None:
    expressions = board_expressions()
    assert len(expressions) > 30
    for expression in expressions:
        named = names_in(expression)
        assert named or "up" in expression or "ALERTS" in expression, expression
        assert named - shown_names() == set(), expression


def test_every_metric_is_on_the_board() -> None:
    recorded = {rule["record"]: names_in(rule["expr"]) for rule in rules() if "record" in rule}
    named = set[str]().union(*map(names_in, board_expressions()))
    named = named.union(*(recorded.get(name, set()) for name in named))
    missing = {
        metric.name
        for metric in metrics.ALL
        if not {metric.name, f"{metric.name}_bucket", f"{metric.name}_sum"} & named
    }
    assert missing == set()


def test_prometheus_can_read_every_expression_of_the_board(tmp_path: Path) -> None:
    made = [{"record": "board", "expr": expression} for expression in board_expressions()]
    # Different labels, since two rules must not be the same.
    named = [rule | {"labels": {"panel": str(number)}} for number, rule in enumerate(made)]
    file = tmp_path / "board.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": named}]}), "utf-8")
    checked = promtool("check", "rules", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # The control.
    file.write_text(file.read_text("utf-8").replace("sum(", "sum((", 1), encoding="utf-8")
    assert promtool("check", "rules", file).returncode != 0


def test_the_board_fits_grafana_and_reads_the_provisioned_source() -> None:
    board = json.loads(BOARD.read_text("utf-8"))
    folder = OBSERVABILITY / "grafana" / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text("utf-8"))[
        "datasources"
    ]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == source["uid"], panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, f"{panel['title']} is over another panel"
        taken |= cells
