"""infra/containers.yaml: the programs on ECS get what they need, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest

from handlers.config import Settings
from handlers.database_address import TlsMode
from handlers.token_rules import TokenRules
from handlers.tracing.settings import TraceSettings
from local import migrate, scheduler, serve
from local.poll_runner import run as poll_runner
from tests.support.ecs import CONTAINERS, ISSUER, PROGRAMS, SCRAM, container, environment, stack


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("issuer", [False, True])
@pytest.mark.parametrize("self_managed", [False, True])
def test_the_variables_of_the_containers_are_settings_that_the_programs_take(
    program: str, *, issuer: bool, self_managed: bool
) -> None:
    found = stack(**(ISSUER if issuer else {}), **(SCRAM if self_managed else {}))
    variables = environment(found, program)
    settings = Settings.from_environment(variables)
    assert settings.stage == "prod"
    assert settings.redis_url == "rediss://redis.example.com:6379/0"
    assert settings.database_tls.mode is TlsMode.VERIFY
    assert bool(settings.kafka_password) == self_managed
    assert settings.aws_region == ("" if self_managed else "ap-northeast-2")
    if program == "Gateway":
        assert bool(settings.auth_jwks_url) == issuer
        assert settings.token_rules == (
            TokenRules("https://issuer/", "coupons") if issuer else TokenRules()
        )
        assert settings.pages.allowed_origins == ({"https://shop.example.com"} if issuer else set())
        assert settings.has_challenge_secret
        assert settings.has_webhook_secret
    assert not TraceSettings.from_environment(variables).is_on


def test_a_setting_of_the_functions_can_be_set_for_the_containers_as_well(
    templates: dict[str, dict[str, Any]],
) -> None:
    variables = templates["application"]["Globals"]["Function"]["Environment"]["Variables"]
    # Lambda's own: its extension for secrets, and metrics in the functions' log.
    not_here = {"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "EMBEDDED_METRICS"}
    found = stack(**SCRAM)
    known = {name for program in PROGRAMS for name in environment(found, program)}
    assert set(variables) - not_here - known == set()


def test_traces_are_on_in_every_program_with_one_parameter_and_find_their_packages() -> None:
    found = stack(TracesEndpoint="http://collector:4318")
    for program in PROGRAMS:
        variables = environment(found, program)
        assert TraceSettings.from_environment(variables).is_on
        assert variables["PYTHONPATH"] == "/opt/traces"  # where local/Dockerfile puts them


def test_metrics_leave_a_task_only_for_a_named_group() -> None:
    for group, host in (("", "127.0.0.1"), ("sg-1", "0.0.0.0")):  # noqa: S104 - compared
        found = stack(MetricsFromGroup=group)
        assert {environment(found, p)["METRICS_HOST"] for p in PROGRAMS} == {host}
        assert found.holds("HasMetricsReader") == bool(group)


@pytest.mark.parametrize("size", CONTAINERS["Parameters"]["Size"]["AllowedValues"])
def test_the_programs_take_the_command_lines_that_the_tasks_have(size: str) -> None:
    found = stack(Size=size, Proxies="2")
    modules = {
        "local.serve": serve,
        "local.poll_runner": poll_runner,
        "local.scheduler": scheduler,
        "local.migrate": migrate,
    }
    parsed = {}
    for program in PROGRAMS:
        python, flag, module, *arguments = container(found, program)["Command"]
        assert (python, flag) == ("python", "-m")
        parsed[program] = modules[module]._parser().parse_args([str(a) for a in arguments])
    gateway = parsed["Gateway"]
    assert (gateway.host, gateway.port, gateway.behind_proxy) == ("0.0.0.0", 8000, 2)  # noqa: S104
    task = found.properties("GatewayTask")
    assert gateway.workers * 1024 == int(task["Cpu"]), "a process for each vCPU"
    assert parsed["Consumer"].batch_size == 1000
    assert (
        str(parsed["Scheduler"].heartbeat)
        in container(found, "Scheduler")["HealthCheck"]["Command"]
    )


def test_the_image_is_named_by_its_digest_and_cannot_be_written_to() -> None:
    parameter = CONTAINERS["Parameters"]["ImageDigest"]
    assert "Default" not in parameter
    assert not re.fullmatch(parameter["AllowedPattern"], "latest")
    found = stack()
    for program in PROGRAMS:
        described = container(found, program)
        repository = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/seonchak"
        assert described["Image"] == f"{repository}@sha256:{'a' * 64}"
        assert described["ReadonlyRootFilesystem"] is True
        assert described["User"] == "10001:10001"
        assert described["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
        assert described["LinuxParameters"]["InitProcessEnabled"] is True
        [writable] = described["LinuxParameters"]["Tmpfs"]
        assert writable["ContainerPath"] == "/tmp"  # noqa: S108 - HOME in local/Dockerfile


def test_only_the_migration_gets_the_user_that_owns_the_tables_of_mysql() -> None:
    found = stack()
    owner = "MIGRATION_DATABASE_SECRET_ID"
    assert {p for p in PROGRAMS if owner in environment(found, p)} == {"Migrate"}
    roles = {p: json.dumps(found.properties(f"{p}Role")) for p in PROGRAMS}
    assert {p for p, text in roles.items() if "MigrationDatabaseSecretArn" in text} == {"Migrate"}


def test_every_import_of_the_containers_is_an_export_of_network_or_data(
    templates: dict[str, dict[str, Any]],
) -> None:
    exported = {
        output["Export"]["Name"]["Fn::Sub"]
        for name in ("network", "data")
        for output in templates[name]["Outputs"].values()
        if "Export" in output
    }
    text = json.dumps(CONTAINERS)
    imported = set(re.findall(r'"Fn::ImportValue": \{"Fn::Sub": "([^"]+)"', text))
    assert len(imported) > 10
    assert imported <= exported


def test_a_parameter_that_both_homes_have_means_the_same_in_both(
    templates: dict[str, dict[str, Any]],
) -> None:
    application = templates["application"]["Parameters"]
    both = set(application) & set(CONTAINERS["Parameters"])
    assert len(both) > 20
    for name in both - {"ConsumerBatch"}:
        ours, theirs = CONTAINERS["Parameters"][name], application[name]
        for field in ("Type", "Default", "AllowedValues", "MinValue", "MaxValue"):
            assert ours.get(field) == theirs.get(field), name


def test_a_setting_that_only_one_program_reads_does_not_reach_the_others() -> None:
    found = stack(**ISSUER, RetentionDays="30")
    settings = {
        p: dataclasses.asdict(Settings.from_environment(environment(found, p))) for p in PROGRAMS
    }
    assert {p for p in PROGRAMS if settings[p]["retention_days"] == 30} == {"Scheduler"}
    assert {p for p in PROGRAMS if settings[p]["auth_jwks_url"]} == {"Gateway"}
