"""Keeps the servers of a stage after its run, and says how to look at them."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from lab.judge import scenarios
from lab.servers import TOPIC
from local.stack import exports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.catalogue import Stage
    from lab.judge.judge import Judge
    from lab.show import Screen

SETTINGS = "servers.env"


def hold(judge: Judge, stage: Stage, screen: Screen, out: Path) -> None:
    """Play the burst once more, print the commands, and wait for Ctrl-C; its processes serve on."""
    with judge.playing(stage.file) as run:
        scenarios.burst(run)
        settings = run.world.environment
        with _settings_file(out / SETTINGS, settings) as file:
            screen.say("held")
            for line in commands(settings, file, stage):
                screen.console.print(f"  {line}", markup=False, soft_wrap=True)
            while True:
                signal.pause()


def commands(settings: dict[str, str], file: Path, stage: Stage) -> list[str]:
    """Return what to type, with the clients that this machine has."""
    redis, mysql = urlsplit(settings["REDIS_URL"]), urlsplit(settings["DATABASE_URL"])
    redis_cli = _found("redis-cli", "valkey-cli")
    client = _found("mysql", "mariadb")
    login = f"-h {mysql.hostname} -P {mysql.port} -u {mysql.username}"
    password, database = unquote(mysql.password or ""), mysql.path.removeprefix("/")
    topic = f"-b {settings['KAFKA_BOOTSTRAP_SERVERS']} -t {TOPIC} -C auto_offset_reset=earliest"
    python, script = (os.path.relpath(path) for path in (sys.executable, stage.file))
    count = "SELECT COUNT(*) FROM coupon"
    return [
        f"{redis_cli} -p {redis.port} --scan",
        f"{redis_cli} -p {redis.port} get coupon_count",
        f"{python} -m kafka.consumer {topic}",
        f"MYSQL_PWD='{password}' {client} {login} {database} -e '{count}'",
        f"set -a && . {file} && PYTHONPATH=. {python} -i {script}    # then: apply('kim-minji')",
    ]


def _found(*names: str) -> str:
    return next((name for name in names if shutil.which(name)), names[0])


@contextmanager
def _settings_file(path: Path, settings: dict[str, str]) -> Iterator[Path]:
    """Write the settings to a file that only its owner can read; remove it after the block."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(exports(settings))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
