from __future__ import annotations

from pathlib import Path

from lab.catalogue import STAGES
from lab.hold import commands

SETTINGS = {
    "REDIS_URL": "redis://127.0.0.1:7001/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:7002",
    "DATABASE_URL": "mysql://seonchak:p%20w@127.0.0.1:7003/seonchak",
}


def test_the_commands_name_the_servers_as_they_must_be_typed() -> None:
    scan, _, topic, rows, shell = commands(SETTINGS, Path("out/lab/servers.env"), STAGES[3])
    assert scan.endswith("-p 7001 --scan")
    assert "-b 127.0.0.1:7002 -t coupon_create" in topic
    assert rows.startswith("MYSQL_PWD='p w' ")
    assert "-h 127.0.0.1 -P 7003 -u seonchak seonchak -e 'SELECT COUNT(*) FROM coupon'" in rows
    assert ". out/lab/servers.env" in shell
    assert "lab/stages/stage4_sadd.py" in shell
