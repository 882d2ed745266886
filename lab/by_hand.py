"""The commands with which a reader looks at the servers of a held stage, by their usual names."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from lab.servers import TOPIC
from local.stack import exports

if TYPE_CHECKING:
    from pathlib import Path

# How long the console consumer waits for one more record before it ends.
CONSUME_MS = 2000
SHORT_NAMES = ("redis-cli", "mysql", "kafka-console-consumer", "press")
CONSUMER = """\
import os, sys
from kafka import KafkaConsumer
servers, wait_ms = os.environ["KAFKA_BOOTSTRAP_SERVERS"], int(sys.argv[2])
for record in KafkaConsumer(sys.argv[1], bootstrap_servers=servers,
                            auto_offset_reset="earliest", consumer_timeout_ms=wait_ms):
    print(record.partition, record.offset, record.value.decode(errors="replace"))"""

# What is sent is flushed: this process ends at once, and an app server does not.
PRESS = """\
import runpy, sys
stage = runpy.run_path(sys.argv[1])
print(stage["apply"](sys.argv[2]))
if "producer" in stage:
    stage["producer"]().flush()"""


def clients(settings: dict[str, str]) -> dict[str, str]:
    """Return each usual name with the command that reaches the server, as it must be typed."""
    redis, mysql = urlsplit(settings["REDIS_URL"]), urlsplit(settings["DATABASE_URL"])
    python = shlex.quote(os.path.relpath(sys.executable))
    password, database = unquote(mysql.password or ""), mysql.path.removeprefix("/")
    login = f"-h {mysql.hostname} -P {mysql.port} -u {mysql.username} {database}"
    bootstrap = settings["KAFKA_BOOTSTRAP_SERVERS"]
    return {
        "redis-cli": f"{_found('redis-cli', 'valkey-cli')} -p {redis.port}",
        "mysql": f"MYSQL_PWD={shlex.quote(password)} {_found('mysql', 'mariadb')} {login}",
        "kafka-console-consumer": f"{python} -m kafka.consumer -b {bootstrap} -t {TOPIC} "
        "-C auto_offset_reset=earliest",
    }


def script(settings: dict[str, str], stage: Path) -> str:
    """Return a script for bash or zsh: the settings, and a function for each usual name.

    `kafka-console-consumer` ends when no record is left; `press kim-minji` calls the stage's apply.
    """
    usual = clients(settings)
    python = shlex.quote(os.path.relpath(sys.executable))
    usual["kafka-console-consumer"] = (
        f"{python} -c {shlex.quote(CONSUMER)} {TOPIC} {CONSUME_MS} 2>/dev/null"
    )
    usual["press"] = f"PYTHONPATH=. {python} -c {shlex.quote(PRESS)} {shlex.quote(str(stage))}"
    # `env` calls the program, not the function of the same name.
    functions = [f'{name}() {{ env {command} "$@"; }}' for name, command in usual.items()]
    return "\n".join([exports(settings).rstrip(), *functions, ""])


def _found(*names: str) -> str:
    return next((name for name in names if shutil.which(name)), names[0])
