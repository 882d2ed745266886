from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from lab.by_hand import SHORT_NAMES, script
from lab.catalogue import STAGES

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {
    "REDIS_URL": "redis://127.0.0.1:7001/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:7002",
    "DATABASE_URL": "mysql://seonchak:p%20w@127.0.0.1:7003/seonchak",
}


def in_bash(folder: Path, command: str) -> str:
    """Run a command after the script, with an `env` that prints its words instead."""
    file = folder / "by-hand.sh"
    file.write_text(script(SETTINGS, STAGES[3].file))
    shown = "env() { printf '%s\\n' \"$@\"; }"
    return subprocess.run(
        ["bash", "-c", f"{shown}\n. {file}\n{command}"], capture_output=True, text=True, check=True
    ).stdout


def test_the_usual_names_reach_the_servers(tmp_path: Path) -> None:
    redis = in_bash(tmp_path, "redis-cli get coupon_count").splitlines()
    assert redis[1:] == ["-p", "7001", "get", "coupon_count"]
    mysql = in_bash(tmp_path, "mysql -e 'SELECT 1'").splitlines()
    assert mysql[0] == "MYSQL_PWD=p w"
    assert mysql[-5:] == ["-u", "seonchak", "seonchak", "-e", "SELECT 1"]
    press = in_bash(tmp_path, "press kim-minji")
    assert press.endswith("kim-minji\n")
    assert "stage4_sadd.py" in press


def test_the_script_defines_every_short_name_and_exports_the_settings(tmp_path: Path) -> None:
    defined = in_bash(tmp_path, f"type -t {' '.join(SHORT_NAMES)}; echo $REDIS_URL")
    assert defined.split() == ["function"] * len(SHORT_NAMES) + [SETTINGS["REDIS_URL"]]
