"""`python -m local.migrate`: schema, topic and epoch, once, twice, and twice at once."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaAdminClient
from kafka.errors import TopicAuthorizationFailedError

from handlers import wiring
from handlers.adapters.migration import schema
from handlers.adapters.migration.schema import SCHEMA, migrate_schema
from handlers.adapters.migration.topic import ensure_topic
from handlers.config import Settings
from handlers.consume import consume_handler
from handlers.domain.campaign import campaign_json
from handlers.domain.rules import NO_RULES
from handlers.retry import RetryDeadline, SetupError
from local import migrate as program
from local.migrate import migrate, owner_address
from local.servers import MariaDB
from local.servers.ports import free_port
from tests.support.service import ask, coupons, create_campaign, kafka_event, message
from tests.support.state import (
    MIGRATIONS,
    epoch_of,
    history_of,
    retry_deadline,
    set_epoch,
    statement,
    tables,
)
from tests.support.unique_keys import COUNTER
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = {
    "campaign",
    "coupon",
    "coupon_event",
    "failed_event",
    "fence_offset",
    "webhook",
    *(f"webhook_{name}" for name in ("delivery", "expiring", "expiry")),
}


@pytest.fixture
def empty_environment(clean: Settings, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Servers as they are before the very first migration: no table, no topic, no epoch."""
    for table in sorted(OURS, key="campaign".__eq__):  # the foreign keys: the campaign last
        statement(clean, f"DROP TABLE {table}")
    for left in tables(clean):
        statement(clean, f"DROP TABLE `{left}`")
    set_epoch(clean, None)
    yield environment | {"COUPON_TOPIC": f"test-{uuid.uuid4().hex}"}
    migrate(clean, retry_deadline())


@pytest.mark.usefixtures("clean")
def test_migrating_again_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main([]) == 0
    *_, schema, user, topic, epoch = capsys.readouterr().out.splitlines()
    assert schema == "schema: up to date"
    assert re.fullmatch(r"MySQL user \w+: is there", user)
    assert topic.endswith(": is there, 6 partitions")
    assert epoch.startswith("coupon:epoch: stands")


def test_two_migrations_at_once_from_nothing_both_succeed(
    empty_environment: dict[str, str],
) -> None:
    command = [sys.executable, "-m", "local.migrate"]
    both = [
        subprocess.Popen(
            command,
            env=empty_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    results = [process.communicate(timeout=90) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert not any(errors for _, errors in results)
    outputs = "".join(output for output, _ in results)
    assert outputs.count("schema: up to date") == 1
    assert outputs.count(", ".join(MIGRATIONS)) == 1
    assert outputs.count(": created, 6 partitions") == 1
    assert outputs.count(": is there, 6 partitions") == 1
    settings = Settings.from_environment(empty_environment)
    assert tables(settings) >= OURS
    assert epoch_of(settings) == history_of(settings)


def test_coupons_with_a_counted_id_are_kept_when_their_serial_becomes_the_primary_key(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    consume_handler(kafka_event(message(campaign_id, f"user-{n}", n) for n in (2, 1)), None)
    statement(service, COUNTER)
    for _ in range(2):  # once more, as after an interruption between the change and its record
        statement(service, "DELETE FROM _yoyo_migration WHERE migration_id LIKE '0003%'")
        applied = migrate_schema(owner_address(service), retry_deadline(), lenient=True)
        assert list(applied) == ["0003.coupon-without-auto-increment"]
        assert coupons(service, campaign_id) == [("user-1", 1), ("user-2", 2)]
        keys = "SHOW INDEX FROM coupon WHERE key_name = 'PRIMARY'"
        assert [row[4] for row in statement(service, keys)] == ["campaign_id", "serial"]


def test_a_campaign_of_before_has_no_limits_after_the_migration_that_adds_them(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    before = ask("GET /campaigns/{id}", campaign_id).body
    statement(service, "ALTER TABLE campaign DROP COLUMN rate_per_address, DROP COLUMN rules")
    for _ in range(2):  # once more, as after an interruption between the change and its record
        statement(service, "DELETE FROM _yoyo_migration WHERE migration_id LIKE '0004%'")
        applied = migrate_schema(owner_address(service), retry_deadline(), lenient=True)
        assert list(applied) == ["0004.limits-of-a-campaign"]
        [campaign] = wiring.mysql_queries().campaigns()
        assert campaign_json(campaign) == {name: before[name] for name in campaign_json(campaign)}
        assert (campaign.rate_per_address, campaign.rules) == (None, NO_RULES)


BEFORE_0005 = (
    "DROP TABLE coupon_event",
    (
        "ALTER TABLE coupon DROP INDEX coupon_one_per_person, DROP COLUMN state, "
        "DROP COLUMN order_id, DROP COLUMN reserved_until, DROP COLUMN used_at, "
        "DROP COLUMN given_back, ADD CONSTRAINT coupon_one_per_person UNIQUE (campaign_id, user_id)"
    ),
    (
        "ALTER TABLE campaign DROP COLUMN version, DROP COLUMN paused, DROP COLUMN releases, "
        "DROP COLUMN benefit, DROP COLUMN usable_from, DROP COLUMN usable_until, "
        "DROP COLUMN usable_days, DROP COLUMN time_zone, DROP COLUMN places_returned, "
        "DROP COLUMN erased_users, DROP COLUMN archived_at"
    ),
)


def test_a_coupon_of_before_is_issued_and_its_user_has_one_after_the_migration_of_its_life(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    consume_handler(kafka_event([message(campaign_id, "user-1", 1)]), None)
    for change in BEFORE_0005:
        statement(service, change)
    for _ in range(2):  # once more, as after an interruption between the change and its record
        # With those after it, which change the table that is dropped here.
        statement(service, "DELETE FROM _yoyo_migration WHERE migration_id >= '0005'")
        applied = migrate_schema(owner_address(service), retry_deadline(), lenient=True)
        assert list(applied) == [name for name in MIGRATIONS if name >= "0005"]
        rows = statement(service, "SELECT user_id, serial, state, given_back FROM coupon")
        assert rows == [("user-1", 1, "ISSUED", 0)]
        keys = "SHOW INDEX FROM coupon WHERE key_name = 'coupon_one_per_person'"
        columns = [row[4] for row in statement(service, keys)]
        assert columns == ["campaign_id", "user_id", "given_back"]


def test_a_migration_is_known_by_its_name_so_its_comments_may_change(
    clean: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in SCHEMA.glob("*.sql"):
        # The third one named the first, not the second, when some databases were migrated.
        text = re.sub("-- depends: .*", "-- depends: 0001.coupon-system", file.read_text())
        (tmp_path / file.name).write_text(f"{text}-- Another comment.\n")
    monkeypatch.setattr(schema, "SCHEMA", tmp_path)
    assert not migrate_schema(owner_address(clean), retry_deadline(), lenient=True)


def test_an_existing_topic_keeps_its_partitions_and_says_so(
    settings: Settings, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Settings.from_environment(environment | {"COUPON_TOPIC": f"test-{uuid.uuid4().hex}"})
    assert ensure_topic(mine, retry_deadline(), partitions=2).created
    migrate(mine, RetryDeadline(WAIT_S, print))
    expected = f"topic {mine.coupon_topic}: is there, 2 partitions (6 asked; it stays as it is)"
    assert expected in capsys.readouterr().out
    assert settings.coupon_topic != mine.coupon_topic


def test_a_topic_that_kafka_refuses_is_an_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TopicAuthorizationFailedError

    # Tansu refuses nothing by itself.
    monkeypatch.setattr(KafkaAdminClient, "create_topics", refuse)
    with pytest.raises(SetupError, match=r"refused the topic \w+: TopicAuthorizationFailedError$"):
        ensure_topic(settings, retry_deadline(5))


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    ("variable", "url", "server"),
    [
        ("REDIS_URL", "redis://user:sesame@127.0.0.1:{port}/0", "Redis"),
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:{port}", "Kafka"),
        ("MIGRATION_DATABASE_URL", "mysql://user:sesame@127.0.0.1:{port}/seonchak", "MySQL"),
    ],
)
def test_an_unreachable_server_is_named_in_one_sentence_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    url: str,
    server: str,
) -> None:
    port = free_port()
    monkeypatch.setenv(variable, url.format(port=port))
    assert program.main(["--wait", "0"]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith(f"migrate: {server} at 127.0.0.1:{port} is out of reach")
    assert len(errors.splitlines()) == 1
    assert "sesame" not in errors


def test_a_wrong_password_is_refused_at_once_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    address = owner_address(settings)
    url = f"mysql://{address.user}:sesame@{address.host}:{address.port}/{address.database}"
    monkeypatch.setenv("MIGRATION_DATABASE_URL", url)
    assert program.main(["--wait", "600"]) == 1
    errors = capsys.readouterr().err
    assert "refused the schema" in errors
    assert "sesame" not in errors


def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("STAGE", "local")
    assert program.main([]) == 1
    assert capsys.readouterr().err.startswith("migrate: ")


def test_the_schema_is_migrated_with_a_password_of_any_characters(
    environment: dict[str, str],
) -> None:
    with MariaDB(password="p@ss:/?#[]%27'\\\"; 한") as mariadb:
        alone = {"DATABASE_URL": mariadb.url, "MIGRATION_DATABASE_URL": ""}
        settings = Settings.from_environment(environment | alone)
        address = owner_address(settings)
        assert list(migrate_schema(address, retry_deadline(), lenient=True)) == MIGRATIONS
        assert not migrate_schema(address, retry_deadline(), lenient=True)
        assert tables(settings) >= OURS
