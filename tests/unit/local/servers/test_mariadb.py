"""The server program behind the embedded MariaDB or MySQL, without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.servers import MariaDB, ServerError, mariadb, prepared

if TYPE_CHECKING:
    from pathlib import Path

# MySQL as Debian and Ubuntu build it, where only the package with the server is installed.
WITHOUT_A_FOLDER = """#!/bin/sh
for word; do case "$word" in --datadir=*) mkdir -p "${word#--datadir=}" ;; esac; done
case "$*" in
--version) echo "mysqld  Ver 8.4.7 for Linux on x86_64 (MySQL Community Server)" ;;
*--secure-file-priv=NULL*) exit 0 ;;
*) echo "Failed to access directory for --secure-file-priv" && exit 1 ;;
esac
"""


@pytest.fixture
def server_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "mysqld"
    program.write_text(WITHOUT_A_FOLDER)
    program.chmod(0o755)
    monkeypatch.setenv(mariadb.PROGRAM_VARIABLE, str(program))
    monkeypatch.setattr(prepared, "KEPT", tmp_path / "kept")


@pytest.mark.usefixtures("server_program")
def test_mysql_starts_where_its_folder_of_files_is_missing() -> None:
    server = MariaDB()
    try:
        server.launch()
        assert server.name == "MySQL"
    finally:
        server.remove()


@pytest.mark.usefixtures("server_program")
def test_without_our_option_it_would_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr(mariadb, "MYSQL_OPTIONS", ())
    with pytest.raises(ServerError, match=r"(?s)MySQL could not be prepared.*secure-file-priv"):
        MariaDB().launch()


def test_a_program_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mariadb.PROGRAM_VARIABLE, "/no/such/mysqld")
    with pytest.raises(ServerError, match="MYSQLD names no program: /no/such/mysqld"):
        mariadb.find_server()
