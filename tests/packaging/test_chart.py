"""infra/helm/seonchak: every setting is reachable, within the bounds that the service has.

What helm and kubeconform say about it: tests/helm (`make test-helm`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from handlers.config import ConfigurationError, Settings
from handlers.tracing.settings import LAMBDA, TraceSettings
from infra.helm import table
from local import healthcheck, scheduler, serve
from local.dev_settings import DEVELOPMENT_SETTINGS
from tests.packaging.test_architecture import IAM, SCRAM, SERVERS, Asked
from tests.support.chart import SCHEMA, VALUES, leaves, properties
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATES = sorted((table.CHART / "templates").rglob("*.*"))
# A function behind CloudFront reads the viewer's address; a gateway counts the proxies before it.
OF_LAMBDA = {LAMBDA, "ORIGIN_SECRET"}
PLAIN, SECRET = properties("settings"), properties("secretSettings")
MIGRATION = properties("migrate", "settings") | properties("migrate", "secretSettings")
NUMBERS = sorted(name for name, part in PLAIN.items() if "integer" in part.get("type", ""))


def read_by_the_service() -> set[str]:
    """Return every variable that handlers/config.py and the settings of pages and traces read."""
    names: set[str] = set()
    for kafka in (SCRAM, IAM):
        traces = {"OTEL_TRACES_EXPORTER": "otlp"}
        environment = Asked({**DEVELOPMENT_SETTINGS, **SERVERS, **kafka, **traces})
        Settings.from_environment(environment)
        TraceSettings.from_environment(environment)
        names |= environment.names
    return names - OF_LAMBDA


def unreachable(plain: Mapping[str, Any], *others: Mapping[str, Any]) -> set[str]:
    return read_by_the_service() ^ set(plain).union(*others)


def secret_fields() -> set[str]:
    """Return the settings whose text is a secret: they are out of `repr`."""
    hidden = {name.upper() for name, part in Settings.__dataclass_fields__.items() if not part.repr}
    # An address has its password in it.
    return hidden - {"ORIGIN_SECRETS"} | {
        "DATABASE_URL",
        "MIGRATION_DATABASE_URL",
        "KAFKA_USERNAME",
    }


def text(name: str) -> str:
    return next(file for file in TEMPLATES if file.name == name).read_text("utf-8")


def test_every_setting_of_the_service_is_a_value_and_no_other_one_is() -> None:
    assert unreachable(PLAIN, SECRET, MIGRATION) == set()


def test_control_a_setting_that_the_chart_forgets_is_noticed() -> None:
    fewer = {name: part for name, part in PLAIN.items() if name != "RETENTION_DAYS"}
    assert unreachable(fewer, SECRET, MIGRATION) == {"RETENTION_DAYS"}


def test_a_secret_can_only_be_referred_to() -> None:
    given = set(SECRET) | {"MIGRATION_DATABASE_URL"}
    assert given == secret_fields()
    assert not set(PLAIN) & secret_fields()
    keys = SCHEMA["definitions"]["secretKey"]
    assert set(keys["properties"]) == {"name", "key"}
    assert keys["additionalProperties"] is False
    assert [file.name for file in TEMPLATES if "kind: Secret\n" in file.read_text("utf-8")] == []


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_has_the_bounds_that_the_service_has(name: str) -> None:
    lowest, highest = PLAIN[name]["minimum"], PLAIN[name]["maximum"]
    for allowed in (lowest, highest):
        Settings.from_environment({**DEVELOPMENT_SETTINGS, **SERVERS, name: str(allowed)})
    for refused in (lowest - 1, highest + 1):
        with pytest.raises(ConfigurationError, match=name):
            Settings.from_environment({**DEVELOPMENT_SETTINGS, **SERVERS, name: str(refused)})


def test_the_table_of_values_in_the_readme_is_current() -> None:
    assert table.README.read_text("utf-8") == table.current()


def test_every_value_is_described_and_has_a_default() -> None:
    described = {path for path, _ in table.described(SCHEMA)} - {("global",)}
    # A value that is described as a whole has what is inside in its own words.
    whole = {path[:length] for path in leaves(VALUES) for length in range(1, len(path) + 1)}
    assert described <= whole
    uncovered = [
        path
        for path in leaves(VALUES)
        if not any(path[:length] in described for length in range(1, len(path) + 1))
    ]
    assert uncovered == []


def test_pods_have_the_time_that_their_programs_take_to_stop() -> None:
    gateway = text("gateway.yaml")
    pre_stop_s = int(re.findall(r'\["sleep", "(\d+)"\]', gateway)[0])
    grace_s = int(re.findall(r'"graceSeconds" (\d+)', gateway)[0])
    assert grace_s > pre_stop_s + serve.WORKER_STOP_TIMEOUT_S
    assert int(re.findall(r'"graceSeconds" (\d+)', text("scheduler.yaml"))[0]) > scheduler.TIMEOUT_S
    poll_runner = text("poll-runner.yaml")
    assert '"graceSeconds" (add (int $runner.timeoutSeconds) 10)' in poll_runner


def test_a_scheduler_that_runs_when_it_should_has_a_fresh_heartbeat() -> None:
    assert VALUES["scheduler"]["intervalSeconds"] + scheduler.TIMEOUT_S <= (
        healthcheck.HEARTBEAT_AGE_S_MAX
    )


def test_pods_run_as_the_user_of_the_image() -> None:
    docker_file = (ROOT / "local" / "Dockerfile").read_text("utf-8")
    [user, group] = re.findall(r"^USER (\d+):(\d+)$", docker_file, re.MULTILINE)[0]
    for name in ("_pod.tpl", "ready.yaml"):
        assert f"runAsUser: {user}\n" in text(name)
        assert f"runAsGroup: {group}\n" in text(name)


def test_the_chart_names_the_version_of_the_service() -> None:
    chart = yaml.safe_load((table.CHART / "Chart.yaml").read_text("utf-8"))
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'version = "{chart["appVersion"]}"' in project
