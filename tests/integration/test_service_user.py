"""The service's own user in MySQL: made by the migration, with no right that it does not need."""

from __future__ import annotations

import functools
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from handlers.adapters.migration import runner
from handlers.adapters.migration.rights import NEEDED, TABLES
from handlers.adapters.migration.runner import Migration
from handlers.adapters.migration.schema import connect, migrate_schema
from handlers.adapters.migration.service_user import ensure_service_user
from handlers.config import ConfigurationError
from handlers.database_address import DatabaseAddress
from handlers.production import Check
from handlers.retry import RetryDeadline, SetupError
from local.servers import MariaDB
from tests.support.paths import ROOT
from tests.support.state import retry_deadline
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

pytestmark = pytest.mark.servers
DENIED = {1044, 1142, 1227}
BINARY_LOG = 1419  # with MySQL's binary log a trigger needs more than a right on its table
FORBIDDEN = [
    "CREATE TABLE made (n INT)",
    "CREATE TEMPORARY TABLE made (n INT)",
    "ALTER TABLE campaign ADD COLUMN n INT",
    "DROP TABLE coupon",
    "TRUNCATE TABLE coupon",
    "CREATE INDEX made ON coupon (code)",
    "CREATE TRIGGER made BEFORE INSERT ON coupon FOR EACH ROW SET NEW.serial = 1",
    "DELETE FROM coupon",
    "SELECT * FROM _yoyo_migration",
    "SELECT * FROM mysql.user",
    "CREATE USER made",
    "GRANT SELECT ON campaign TO CURRENT_USER()",
    "CREATE DATABASE made",
]


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDB]:
    with MariaDB() as server:
        address = DatabaseAddress.from_url(server.migration_url)
        migrate_schema(address, retry_deadline(), lenient=True)
        yield server


@pytest.fixture
def owner(server: MariaDB) -> DatabaseAddress:
    """A user that may make users."""
    return DatabaseAddress.from_url(server.migration_url)


@pytest.fixture
def restricted(server: MariaDB) -> DatabaseAddress:
    """A user that owns the database and may neither make users nor give rights."""
    return DatabaseAddress.from_url(server.url)


@pytest.fixture
def wanted(owner: DatabaseAddress) -> Iterator[DatabaseAddress]:
    """The service's user as the settings name it; afterwards it is gone."""
    service = replace(owner, user="shop's %s user", password="p@ss'\\\"%s%27; 한")
    yield service
    run(owner, "DROP USER IF EXISTS %s@'%%'", service.user)


def run(address: DatabaseAddress, statement: str, *values: str) -> list[Any]:
    with closing(connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        rows = list(cursor.fetchall())
        connection.commit()
        return rows


def code_of(address: DatabaseAddress, statement: str) -> int:
    with pytest.raises(pymysql.Error) as caught:
        run(address, statement)
    return int(caught.value.args[0])


def test_a_migration_makes_the_user_and_a_second_one_changes_nothing(
    owner: DatabaseAddress, wanted: DatabaseAddress
) -> None:
    made = ensure_service_user(owner, wanted, retry_deadline())
    assert (made.name, made.flaw) == (wanted.user, "")
    assert made.done == "was made, or its password changed"
    again = ensure_service_user(owner, wanted, retry_deadline())
    assert (again.done, again.flaw) == ("is there", "")
    grants = run(wanted, "SHOW GRANTS")
    assert len(grants) == 1 + len(TABLES)  # one for logging in


def test_the_user_may_do_no_ddl_and_delete_nothing(
    owner: DatabaseAddress, wanted: DatabaseAddress
) -> None:
    ensure_service_user(owner, wanted, retry_deadline())
    assert run(wanted, "SELECT COUNT(*) FROM campaign") == [(0,)]
    refused = {statement: code_of(wanted, statement) for statement in FORBIDDEN}
    assert {s: code for s, code in refused.items() if code not in DENIED | {1410, BINARY_LOG}} == {}


def test_a_password_that_was_rotated_holds_after_the_next_migration(
    owner: DatabaseAddress, wanted: DatabaseAddress
) -> None:
    ensure_service_user(owner, wanted, retry_deadline())
    with closing(connect(wanted)) as before, before.cursor() as cursor:
        rotated = replace(wanted, password="of-tomorrow")
        assert code_of(rotated, "SELECT 1") == 1045
        done = ensure_service_user(owner, rotated, retry_deadline()).done
        assert done == "was made, or its password changed"
        assert run(rotated, "SELECT COUNT(*) FROM coupon") == [(0,)]
        assert code_of(wanted, "SELECT 1") == 1045
        cursor.execute("SELECT COUNT(*) FROM coupon")  # who is connected goes on
        assert cursor.fetchone() == (0,)


def test_what_an_earlier_user_may_too_much_is_taken_back_and_what_it_needs_stays(
    owner: DatabaseAddress, wanted: DatabaseAddress
) -> None:
    name = f"`{wanted.database}`"
    run(owner, "CREATE USER %s@'%%' IDENTIFIED BY %s", wanted.user, wanted.password)
    run(owner, f"GRANT ALL ON {name}.* TO %s@'%%' WITH GRANT OPTION", wanted.user)
    run(owner, f"GRANT DELETE ON {name}.campaign TO %s@'%%'", wanted.user)
    mended = ensure_service_user(owner, wanted, retry_deadline())
    assert (mended.done, mended.flaw) == ("is there", "")
    assert code_of(wanted, "DROP TABLE coupon") in DENIED
    assert code_of(wanted, "DELETE FROM campaign") in DENIED
    assert run(wanted, "SELECT COUNT(*) FROM campaign") == [(0,)]


def test_two_migrations_at_once_make_one_user(
    owner: DatabaseAddress, wanted: DatabaseAddress
) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(lambda _: ensure_service_user(owner, wanted, retry_deadline()).flaw, range(4))
        )
    assert results == [""] * 4
    assert run(wanted, "SELECT 1") == [(1,)]


def test_a_migration_that_may_not_make_users_says_what_to_do(
    restricted: DatabaseAddress, wanted: DatabaseAddress
) -> None:
    with pytest.raises(SetupError) as caught:
        ensure_service_user(restricted, wanted, retry_deadline())
    text = str(caught.value)
    assert text.startswith(f"{wanted.user} cannot log in to MySQL: {restricted.user}@% may not")
    assert "by hand, as docs/operate.md says" in text
    assert wanted.password not in text


def test_root_is_never_made_the_services_user(owner: DatabaseAddress) -> None:
    with pytest.raises(SetupError, match="the service must not be root in MySQL"):
        ensure_service_user(owner, replace(owner, user="root", password="new"), retry_deadline())


def test_the_statements_of_the_documentation_make_a_user_that_is_good_enough(
    owner: DatabaseAddress, restricted: DatabaseAddress, wanted: DatabaseAddress
) -> None:
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```sql\n(CREATE USER .*?)```", page, re.DOTALL)
    by_hand = replace(wanted, user="seonchak_service", password="PASSWORD")
    for statement in filter(None, map(str.strip, block.split(";"))):
        run(owner, statement)
    try:
        found = ensure_service_user(restricted, by_hand, retry_deadline())
        assert (found.done, found.flaw) == ("is there", "")
        assert code_of(by_hand, "DROP TABLE coupon") in DENIED
    finally:
        run(owner, "DROP USER 'seonchak_service'@'%'")


def test_a_right_that_a_user_made_by_hand_lacks_is_named(
    owner: DatabaseAddress, restricted: DatabaseAddress, wanted: DatabaseAddress
) -> None:
    ensure_service_user(owner, wanted, retry_deadline())
    run(owner, f"REVOKE UPDATE ON {wanted.database}.coupon FROM %s@'%%'", wanted.user)
    lacks = r"lacks UPDATE on coupon: seonchak@% may not do that"
    with pytest.raises(SetupError, match=lacks):
        ensure_service_user(restricted, wanted, retry_deadline())
    assert ensure_service_user(owner, wanted, retry_deadline()).flaw == ""


@pytest.mark.parametrize("right", [f"{r} on {table}" for table in TABLES for r in NEEDED])
def test_each_right_is_tried_out_by_itself(
    owner: DatabaseAddress, restricted: DatabaseAddress, wanted: DatabaseAddress, right: str
) -> None:
    ensure_service_user(owner, wanted, retry_deadline())
    verb, _, table = right.partition(" on ")
    run(owner, f"REVOKE {verb} ON {wanted.database}.{table} FROM %s@'%%'", wanted.user)
    with pytest.raises(SetupError, match=f"lacks .*{right}"):
        ensure_service_user(restricted, wanted, retry_deadline())


@pytest.fixture
def production(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    # The MySQL of the tests ignores CHECK, which a production refuses as well.
    lenient = functools.partial(migrate_schema, lenient=True)
    monkeypatch.setattr(runner, "migrate_schema", lambda *given, **_: lenient(*given))
    return replace(settings, stage="prod")


def migrated(
    settings: Settings, owner: DatabaseAddress, service: DatabaseAddress, *allowed: Check
) -> str:
    """Return what a migration reports."""
    lines: list[str] = []
    chosen = replace(settings, insecure_allowed=frozenset(allowed))
    deadline = RetryDeadline(WAIT_S, lines.append)
    Migration(chosen, lambda: owner, lambda: service).run(deadline)
    return "\n".join(lines)


def test_a_production_in_which_one_user_does_both_is_refused_unless_it_is_allowed(
    production: Settings, settings: Settings, owner: DatabaseAddress
) -> None:
    with pytest.raises(ConfigurationError, match=r"it migrates as well.*\[database-owner\]"):
        migrated(production, owner, owner)
    said = f"MySQL user {owner.user}: is there"
    assert said in migrated(production, owner, owner, Check.DATABASE_OWNER)
    assert said in migrated(settings, owner, owner)  # STAGE=local


def test_a_production_whose_service_may_do_ddl_is_refused_unless_it_is_allowed(
    production: Settings,
    owner: DatabaseAddress,
    restricted: DatabaseAddress,
    wanted: DatabaseAddress,
) -> None:
    run(owner, "CREATE USER %s@'%%' IDENTIFIED BY %s", wanted.user, wanted.password)
    run(owner, f"GRANT ALL ON {wanted.database}.* TO %s@'%%'", wanted.user)
    with pytest.raises(ConfigurationError, match=r"may CREATE, DROP, DELETE on campaign, .*owner"):
        migrated(production, restricted, wanted)
    assert wanted.user in migrated(production, restricted, wanted, Check.DATABASE_OWNER)
    assert wanted.user in migrated(production, owner, wanted)  # it takes the rights back
