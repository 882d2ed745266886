"""MariaDB or MySQL, the system's or the one that MYSQLD names, with a private data directory."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pymysql

from local.servers.ports import HOST
from local.servers.prepared import fill
from local.servers.process import Server, ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

DATABASE = "seonchak"
USER = "seonchak"
# The user of a migration, and the one that it makes for the service.
MIGRATION_USER = "seonchak_migration"
SERVICE_USER = "seonchak_service"
REPLY_TIMEOUT_S = 2
# Where packages install servers that are not on the PATH of all users.
FURTHER_FOLDERS = (
    "usr/sbin",
    "usr/libexec",
    "usr/local/sbin",
    "opt/homebrew/opt/*/bin",
    "usr/local/opt/*/bin",
)
# Room for a million coupons with their indexes (the server takes memory only as they arrive), and
# a log that need not be flushed meanwhile; neither makes the start slower. Both servers write a
# commit to disk before they reply, which is their default.
BUFFER_POOL = "--innodb-buffer-pool-size=256M"
MARIADB_OPTIONS = (
    BUFFER_POOL,
    "--innodb-log-file-size=128M",
    # MySQL's default: two writers get numbers in turn. What breaks under it breaks here, too.
    "--innodb-autoinc-lock-mode=2",
    "--character-set-server=utf8mb4",
    "--default-time-zone=+00:00",
    "--skip-log-bin",
)
# Apart from sizes MySQL runs as it comes: with its binary log, its modes, the system's time zone.
MYSQL_OPTIONS = (
    BUFFER_POOL,
    "--loose-innodb-redo-log-capacity=256M",  # unknown before 8.0.30
    "--loose-mysqlx=OFF",  # a second port
    "--secure-file-priv=NULL",  # the default folder is missing where only the server is installed
)
# The system tables are copied for every server, with their log: so it is the smallest. The server
# makes it as large as above when it starts.
SMALL_LOG = "--innodb-log-file-size=4M"
# Names a server program in place of the system's.
PROGRAM_VARIABLE = "MYSQLD"
MISSING = (
    "there is no MariaDB or MySQL server on this machine: install one "
    "(Debian, Ubuntu: apt-get install mariadb-server; macOS: brew install mariadb), "
    "or use containers (make up)"
)


class MariaDB(Server):
    """A database of its own with two users, one for migrations; their passwords are random."""

    def __init__(self, port: int | None = None, password: str | None = None) -> None:
        """Use `port` and `password`, or a free port and a random password."""
        super().__init__(port)
        self.name = "MariaDB" if is_mariadb() else "MySQL"
        self._password = password or secrets.token_urlsafe(24)
        self._migration_password, self._service_password = (
            secrets.token_urlsafe(24) for _ in range(2)
        )

    @property
    def url(self) -> str:
        """`DATABASE_URL` of the user that owns the database, and may do nothing outside of it."""
        return self._url(USER, self._password)

    @property
    def migration_url(self) -> str:
        """`MIGRATION_DATABASE_URL`: of a user that may also make users."""
        return self._url(MIGRATION_USER, self._migration_password)

    @property
    def service_url(self) -> str:
        """`DATABASE_URL` of the user that a migration makes; before that it does not exist."""
        return self._url(SERVICE_USER, self._service_password)

    def _url(self, user: str, password: str) -> str:
        return f"mysql://{user}:{quote(password, safe='')}@{self.address}/{DATABASE}"

    def prepare(self) -> None:
        """Write the file of statements that every start runs first, and the system tables."""
        init_file = self.home / "init.sql"
        init_file.touch(mode=0o600)
        init_file.write_text(self._first_statements())
        data = self.home / "data"
        command = _first_command()
        made_by = "\n".join([*command, version_of(find_server())])
        fill(data, made_by, lambda: self.run_tool([*command, f"--datadir={data}"]))

    def command(self) -> Sequence[str]:
        """Return the command line."""
        return [
            find_server(),
            "--no-defaults",
            f"--datadir={self.home / 'data'}",
            f"--port={self.port}",
            f"--bind-address={HOST}",
            f"--socket={self.home / 'sock'}",
            f"--pid-file={self.home / 'pid'}",
            f"--init-file={self.home / 'init.sql'}",
            "--skip-name-resolve",
            *_as_root(),
            *(MARIADB_OPTIONS if is_mariadb() else MYSQL_OPTIONS),
        ]

    def is_ready(self) -> bool:
        """Whether the user can log in to the database."""
        try:
            pymysql.connect(
                host=HOST,
                port=self.port,
                user=USER,
                password=self._password.encode(),  # PyMySQL would take text as Latin-1
                database=DATABASE,
                connect_timeout=REPLY_TIMEOUT_S,
                read_timeout=REPLY_TIMEOUT_S,
                ssl_disabled=True,  # otherwise each attempt would read the system's certificates
            ).close()
        except (pymysql.Error, OSError):
            return False
        return True

    def _first_statements(self) -> str:
        """One statement per line, as both servers require. Every login needs the password."""
        password = _literal(self._password)
        migration = f"'{MIGRATION_USER}'@'%'"
        migration_password = _literal(self._migration_password)
        return "\n".join(
            [
                f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;",
                f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY {password};",
                f"GRANT ALL ON {DATABASE}.* TO '{USER}'@'%';",
                f"CREATE USER IF NOT EXISTS {migration} IDENTIFIED BY {migration_password};",
                f"GRANT ALL ON {DATABASE}.* TO {migration} WITH GRANT OPTION;",
                f"GRANT CREATE USER ON *.* TO {migration};",
                f"ALTER USER 'root'@'localhost' IDENTIFIED BY {password};",
                "DROP USER IF EXISTS ''@'localhost', 'root'@'127.0.0.1', 'root'@'::1';",
                "",
            ]
        )


def _literal(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace("'", "''")
    return f"'{escaped}'"


def find_server() -> str:
    """Return the path of mariadbd or mysqld; raise ServerError saying what to install."""
    if chosen := os.environ.get(PROGRAM_VARIABLE):
        if shutil.which(chosen) is None:
            message = f"{PROGRAM_VARIABLE} names no program: {chosen}"
            raise ServerError(message)
        return chosen
    return find_program("mariadbd", "mysqld")


def find_program(*names: str) -> str:
    """Return the path of the first program found of these names, else raise ServerError."""
    root = Path("/")
    folders = [str(found) for pattern in FURTHER_FOLDERS for found in sorted(root.glob(pattern))]
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *folders])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise ServerError(MISSING)


def is_mariadb() -> bool:
    """Return whether the server is MariaDB; otherwise it is Oracle's MySQL."""
    return "mariadb" in version_of(find_server()).lower()


@cache
def version_of(program: str) -> str:
    """Return what a server program says of itself."""
    result = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    return result.stdout


def _first_command() -> Sequence[str]:
    """Return the command that makes the system tables in a --datadir."""
    if not is_mariadb():
        return [
            find_server(),
            "--no-defaults",
            "--initialize-insecure",
            *_as_root(),
            *MYSQL_OPTIONS,
        ]
    return [
        find_program("mariadb-install-db", "mysql_install_db"),
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--skip-name-resolve",
        *_as_root(),
        *MARIADB_OPTIONS,
        SMALL_LOG,  # the last one counts
    ]


def _as_root() -> Sequence[str]:
    """Allow root: both servers refuse it without this option; the directory is private anyway."""
    return ["--user=root"] if os.geteuid() == 0 else []
