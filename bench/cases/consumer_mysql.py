"""The consumer's case on MySQL 8, which Maven fetches, in MariaDB's place."""

from __future__ import annotations

from dataclasses import replace

from bench.cases import consumer
from local.servers import mysql

CASE = replace(
    consumer.CASE,
    name="consumer-mysql",
    title="Kafka to committed rows, on MySQL 8",
    database=mysql.program,
)
