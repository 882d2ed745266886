"""local/containers.sh and local/recently.sh: what `make up` and the health checks run."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.config import Settings
from local.harness import compose
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OBSERVE = ("PROMETHEUS_PORT", "GRAFANA_PORT", "KAFKA_UI_PORT")
OF_A_PROFILE = ("CHALICE_PORT", *OBSERVE)
NAMES = ("API_PORT", "REDIS_PORT", "KAFKA_PORT", "MYSQL_PORT", *OF_A_PROFILE)
OWN = {
    line.partition("=")[0].strip()
    for line in (ROOT / "local" / ".env.example").read_text("utf-8").splitlines()
}
FREE = dict.fromkeys(NAMES, "1")  # nothing listens there


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which Compose knows of no container."""
    (tmp_path / "local").mkdir()
    for name in ("containers.sh", ".env.example"):
        shutil.copy(ROOT / "local" / name, tmp_path / "local")
    script(tmp_path / "local" / "compose.sh", "exit 1")
    return tmp_path


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Other tests of this process may have set them.
    inherited = {name: text for name, text in os.environ.items() if name not in {*NAMES, *OWN}}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=inherited | environment,
        timeout=60,
    )


def ports(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(str(checkout / "local" / "containers.sh"), "ports", **FREE | environment)


def test_free_ports_are_no_reason_to_say_anything(checkout: Path) -> None:
    done = ports(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_A_PROFILE])
def test_a_taken_port_is_named_with_its_setting_and_its_file(
    checkout: Path, taken: int, name: str
) -> None:
    done = ports(checkout, **{name: str(taken)})
    assert done.returncode == 1
    assert done.stderr == (
        f"Port {taken} is taken by another program: stop that one, "
        f"or set {name} in local/.env to a free port.\n"
    )


def test_the_file_counts_where_the_environment_says_nothing(checkout: Path, taken: int) -> None:
    lines = "".join(f"{name}=1\n" for name in NAMES)
    (checkout / "local" / ".env").write_text(f"{lines}API_PORT={taken}\n", encoding="utf-8")
    done = run(str(checkout / "local" / "containers.sh"), "ports")
    assert f"Port {taken} is taken" in done.stderr


def test_the_port_of_chalice_counts_only_when_it_is_started(checkout: Path, taken: int) -> None:
    port = str(taken)
    assert ports(checkout, CHALICE_PORT=port, COMPOSE_PROFILES="").returncode == 0
    started = ports(checkout, CHALICE_PORT=port, COMPOSE_PROFILES="chalice")
    assert "set CHALICE_PORT in local/.env" in started.stderr


@pytest.mark.parametrize("name", OBSERVE)
def test_the_ports_of_the_board_count_only_when_it_is_started(
    checkout: Path, taken: int, name: str
) -> None:
    port = {name: str(taken)}
    assert ports(checkout, **port, COMPOSE_PROFILES="chalice").returncode == 0
    started = ports(checkout, **port, COMPOSE_PROFILES="chalice,observe")
    assert f"set {name} in local/.env" in started.stderr


def test_a_port_that_our_own_container_has_is_not_taken(checkout: Path, taken: int) -> None:
    compose_sh = checkout / "local" / "compose.sh"
    script(compose_sh, f'[ "$*" = "port redis 6379" ] && echo 127.0.0.1:{taken}')
    assert ports(checkout, REDIS_PORT=str(taken)).returncode == 0
    # The control: it has another port now than local/.env asks for.
    script(compose_sh, "echo 127.0.0.1:2")
    assert ports(checkout, REDIS_PORT=str(taken)).returncode == 1


@pytest.mark.parametrize(
    ("states", "code", "said"),
    [
        (["/a_1 running0 healthy", "/migrate_1 exited0 "], 0, ""),
        (["/a_1 running0 starting|/a_1 running0 healthy"], 0, ""),
        (["/a_1 running0 healthy", "/b_1 running0 unhealthy"], 1, "Not ready: b_1 "),
        (["/a_1 running0 healthy", "/migrate_1 exited1 "], 1, "Not ready: migrate_1 "),
    ],
)
def test_without_a_wait_of_composes_own_it_waits_until_all_are_ready(
    checkout: Path, states: list[str], code: int, said: str
) -> None:
    script(checkout / "local" / "compose.sh", "echo id")
    # Each line is a container; what is after | comes with the second look.
    first = "\n".join(state.partition("|")[0] for state in states)
    then = "\n".join(state.rpartition("|")[2] for state in states)
    (checkout / "first").write_text(f"{first}\n", "utf-8")
    (checkout / "then").write_text(f"{then}\n", "utf-8")
    looked = 'f=then; [ -e "$0.looked" ] || f=first; touch "$0.looked"'
    script(checkout / "docker", f'{looked}; cat "$(dirname "$0")/$f"')
    path = f"{checkout}:{os.environ['PATH']}"
    done = run(str(checkout / "local" / "containers.sh"), "wait", PATH=path)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(said)


def test_the_settings_are_those_of_the_demo_whatever_characters_they_have(checkout: Path) -> None:
    own = checkout / "local" / ".env"
    secret = 'it\'s "quoted" $HOME `x` \\ and of 32 bytes'
    own.write_text(f"API_PORT = 9000\nMYSQL_PORT='3307'\nAUTH_JWT_SECRET={secret}\n", "utf-8")
    for line in (ROOT / "local" / ".env.example").read_text("utf-8").splitlines():
        if not line.startswith(("API_PORT", "MYSQL_PORT", "AUTH_JWT_SECRET")):
            own.write_text(f"{own.read_text('utf-8')}{line}\n", "utf-8")
    done = run(str(checkout / "local" / "containers.sh"), "settings", REDIS_PORT="6380")
    assert done.returncode == 0, done.stderr
    environment = {"REDIS_PORT": "6380"}
    expected = compose.settings_of(compose.read_values(own=own, environment=environment))
    lines = [shlex.split(line) for line in done.stdout.splitlines()]
    assert dict(words[1].split("=", 1) for words in lines) == expected
    assert Settings.from_environment(expected).auth_jwt_secret == secret
    assert "127.0.0.1:3307/" in expected["DATABASE_URL"]


def test_the_pages_are_where_the_gateway_is_published(checkout: Path) -> None:
    done = run(str(checkout / "local" / "containers.sh"), "addresses", API_PORT="9000")
    assert done.returncode == 0, done.stderr
    host, port = compose.api_address({"API_PORT": "9000"})
    for path in ("/console", "/events/", "/docs"):
        assert f"http://{host}:{port}{path}" in done.stdout


def test_what_make_up_writes_down_reaches_operators_and_no_program(tmp_path: Path) -> None:
    """In a copy of the Makefile: a file in out/ of this checkout would change other tests."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "containers.env").touch()

    def shown(*arguments: str, **environment: str) -> str:
        inherited = {name: text for name, text in os.environ.items() if name != "REDIS_URL"}
        return subprocess.run(
            ["make", "-n", *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env=inherited | environment,
            timeout=60,
        ).stdout

    for target in ("reconcile", "rebuild", "migrate", "token"):
        assert "out/containers.env" in shown(target, "USER=42"), target
        assert "containers.env" not in shown(target, "USER=42", REDIS_URL="redis://a"), target
    for target in ("serve", "poller", "scheduler", "api"):
        assert "containers.env" not in shown(target), target
    assert "local/containers.sh ports" in shown("up")
    assert "local/containers.sh settings > out/containers.env" in shown("up")
    assert shown("up").splitlines()[-1] == "local/containers.sh addresses"
    assert "rm -f out/containers.env" in shown("down")
    (tmp_path / "out" / "stack.env").touch()
    assert "out/stack.env" in shown("reconcile")  # servers that were started later, and run here


def test_a_check_that_has_just_passed_is_not_made_again(tmp_path: Path) -> None:
    recently = tmp_path / "recently.sh"
    text = (ROOT / "local" / "recently.sh").read_text(encoding="utf-8")
    assert "passed=/tmp/passed\n" in text
    script(recently, text.replace("/tmp/passed", str(tmp_path / "passed")))  # noqa: S108
    made = tmp_path / "made"
    script(tmp_path / "good", f"echo >> {made}")
    for _ in range(3):
        assert run(str(recently), "60", str(tmp_path / "good")).returncode == 0
    assert len(made.read_text().splitlines()) == 1
    # One that passed long ago is, and one that fails is made each time.
    os.utime(tmp_path / "passed", (0, 0))
    assert run(str(recently), "60", "false").returncode == 1
    assert run(str(recently), "60", "false").returncode == 1
    assert run(str(recently), "60", str(tmp_path / "good")).returncode == 0
    assert len(made.read_text().splitlines()) == 2
