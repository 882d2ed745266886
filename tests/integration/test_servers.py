"""The servers behind the stack: what survives a restart, and what a failing start prints."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import redis
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from handlers.database_address import DatabaseAddress
from local.servers import ApacheKafka, MariaDB, ServerError, Tansu, Valkey
from local.servers.mariadb import is_mariadb
from tests.support.state import query

if TYPE_CHECKING:
    from local.servers.embedded import KafkaKind

pytestmark = pytest.mark.servers


def test_a_server_that_does_not_start_shows_the_end_of_its_log() -> None:
    server = Valkey(options={"no-such-option": "1"})
    with pytest.raises(ServerError, match=r"(?s)Valkey ended while starting.*no-such-option"):
        server.start()
    assert not server.running
    server.remove()


def test_valkey_keeps_its_data_over_a_restart_and_begins_a_new_history(
    private_valkey: Valkey,
) -> None:
    with closing(redis.Redis.from_url(private_valkey.url)) as client:
        before = client.info("replication")["master_replid"]
        client.set("key", "value")
        private_valkey.restart()
        assert client.get("key") == b"value"
        assert client.info("replication")["master_replid"] != before


def test_a_killed_mariadb_keeps_what_was_committed_and_a_password_of_any_characters() -> None:
    with MariaDB(password="p@ss:/?#[]%27'\\\"; 한") as mariadb:
        address = DatabaseAddress.from_url(mariadb.url)
        query(address, "CREATE TABLE t AS SELECT 42 AS n")
        mariadb.kill()
        mariadb.start()
        assert query(address, "SELECT n FROM t") == (42,)


def test_mysql_runs_as_it_comes_and_mariadb_counts_as_mysql_does() -> None:
    with MariaDB() as mariadb:
        address = DatabaseAddress.from_url(mariadb.url)
        found = query(address, "SELECT @@log_bin, @@innodb_autoinc_lock_mode")
        assert found == (0 if is_mariadb() else 1, 2)
        if is_mariadb():  # its system tables came with a smaller log
            assert query(address, "SELECT @@innodb_log_file_size") == (128 * 1024 * 1024,)
            assert (mariadb.home / "data" / "ib_logfile0").stat().st_size == 128 * 1024 * 1024


def test_the_broker_hands_on_what_it_acknowledged(kafka_kind: KafkaKind) -> None:
    with ApacheKafka() if kafka_kind == "apache" else Tansu() as broker:
        with closing(KafkaAdminClient(bootstrap_servers=broker.url)) as admin:
            admin.create_topics({"t": {"num_partitions": 1}}, wait_for_metadata=True)
        with closing(KafkaProducer(bootstrap_servers=broker.url, acks="all")) as producer:
            producer.send("t", b"value", key=b"key").get(10)
        if kafka_kind == "apache":  # Tansu stores everything in memory
            broker.kill()
            broker.start()
        with closing(KafkaConsumer(bootstrap_servers=broker.url, group_id=None)) as consumer:
            partition = TopicPartition("t", 0)
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            records = consumer.poll(timeout_ms=10_000)[partition]
    assert [(record.key, record.value) for record in records] == [(b"key", b"value")]
