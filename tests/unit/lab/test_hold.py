from __future__ import annotations

from pathlib import Path

from lab.catalogue import STAGES
from lab.hold import commands
from tests.unit.lab.test_by_hand import SETTINGS


def test_the_commands_name_the_servers_as_they_must_be_typed() -> None:
    scan, _, topic, rows, short, shell = commands(SETTINGS, Path("out/lab/by-hand.sh"), STAGES[3])
    assert scan.endswith("-p 7001 --scan")
    assert "-b 127.0.0.1:7002 -t coupon_create" in topic
    assert rows.startswith("MYSQL_PWD='p w' ")
    assert "-h 127.0.0.1 -P 7003 -u seonchak seonchak -e 'SELECT COUNT(*) FROM coupon'" in rows
    assert short.startswith(". out/lab/by-hand.sh ")
    assert "lab/stages/stage4_sadd.py" in shell
