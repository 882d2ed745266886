"""The service's own user in MySQL, which the user of the migration makes.

Where that one may not, an operator makes it by hand (docs/operate.md). Safe to repeat: a password
that was changed in the settings is changed in MySQL, rights are given that a release adds.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import ER

from handlers.adapters.migration import rights
from handlers.adapters.migration.schema import CHANGE_S_MAX, connect, is_transient
from handlers.adapters.mysql.error_codes import is_distrusted
from handlers.retry import RetryDeadline, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.database_address import DatabaseAddress

# The user of the migration may not do it; the last three: no such user, as this one sees it.
DENIED = rights.DENIED | {
    ER.ACCESS_DENIED_ERROR,
    ER.CANNOT_USER,
    ER.CANT_CREATE_USER_WITH_GRANT,
    ER.PASSWORD_NO_MATCH,
}
# A migration sets the password of the service's user, and takes rights away from it.
ROOT = "root"
BY_HAND = "make the user and give the rights by hand, as docs/operate.md says, and migrate again"


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """What was done about the service's user, and in a sentence what it may do too much, or ""."""

    name: str
    done: str
    flaw: str


def ensure_service_user(
    owner: DatabaseAddress, service: DatabaseAddress, patience: RetryDeadline
) -> ServiceUser:
    """Make the service's user, or mend it; raise SetupError when it cannot do its work in the end.

    owner: the user that migrates. Where it is the service's as well, nothing is done.
    """
    if owner.user == service.user:
        flaw = "it migrates as well, so it owns the tables: MIGRATION_DATABASE_URL names another"
        return ServiceUser(service.user, "is there", flaw)
    if service.user == ROOT:
        message = f"the service must not be {ROOT} in MySQL: name another user, which is made here"
        raise SetupError(message)
    server = f"MySQL at {owner.host}:{owner.port}"
    try:
        admin = patience.retry_until_ready(
            server, lambda: connect(owner, patience.at_most(CHANGE_S_MAX)), is_transient
        )
        with closing(admin):
            done = "is there" if _logs_in(service) else _make(admin, service)
            opened = patience.retry_until_ready(server, lambda: _log_in(service), is_transient)
            with closing(opened):
                surplus = _mend_rights(admin, opened, service)
        flaw = f"it may {', '.join(surplus)}, which it does not need" if surplus else ""
        return ServiceUser(service.user, done, flaw)
    except pymysql.Error as error:
        # Without the error's text, which may quote a statement with the password in it.
        code = error.args[0] if error.args else 0
        message = f"{server} refused what the user {service.user} needs (error {code})"
        raise SetupError(message) from None


def _mend_rights(
    admin: pymysql.Connection[Any], opened: pymysql.Connection[Any], service: DatabaseAddress
) -> Sequence[str]:
    """Give what is needed before what is not is taken back; return what still is too much."""
    database, account = service.database, _account(opened)
    refused = _refused(admin, lambda: rights.grant(admin, database, account))
    if missing := rights.lacking(opened, database):
        message = f"{service.user} lacks {', '.join(missing)}: {refused or BY_HAND}"
        raise SetupError(message)
    if rights.surplus(opened, database):
        _refused(admin, lambda: rights.revoke(admin, database, account))
    return rights.surplus(opened, database)


def _make(admin: pymysql.Connection[Any], service: DatabaseAddress) -> str:
    arguments = (service.user, service.password)

    def make() -> None:
        with admin.cursor() as cursor:
            # Two statements, each of which may be the last one of a migration that is killed.
            cursor.execute("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", arguments)
            cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", arguments)

    if refused := _refused(admin, make):
        message = f"{service.user} cannot log in to MySQL: {refused}"
        raise SetupError(message)
    return "was made, or its password changed"


def _refused(admin: pymysql.Connection[Any], statements: Callable[[], None]) -> str:
    """Run statements about users; return in a sentence that the user of the migration may not."""
    try:
        statements()
    except pymysql.Error as error:
        if error.args[0] not in DENIED:
            raise
        user, host = _account(admin)
        return f"{user}@{host} may not do that (error {error.args[0]}); {BY_HAND}"
    return ""


def _logs_in(service: DatabaseAddress) -> bool:
    """Return whether the user exists with this password.

    A proxy in front of MySQL says no in its own way. So every error means that, unless the server
    is distrusted: it must not get a statement with a password either.
    """
    try:
        _log_in(service).close()
    except pymysql.OperationalError as error:
        if is_distrusted(error):
            raise
        return False
    return True


def _log_in(service: DatabaseAddress) -> pymysql.Connection[Any]:
    """Return a connection without a database: the user may have no right in it yet."""
    return connect(replace(service, database=""))


def _account(connection: pymysql.Connection[Any]) -> tuple[str, str]:
    """Return user and host of the account that MySQL found for a connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        [(account,)] = cursor.fetchall()
    user, _, host = str(account).rpartition("@")
    return user, host
