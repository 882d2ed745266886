"""A password of MySQL's that was rotated while the service runs."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.mysql.database import Database
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from handlers.config import Settings
    from handlers.database_address import DatabaseAddress


class Rotation:
    """Secrets Manager: it gives the old password at first, and the new one when asked again."""

    def __init__(self, settings: Settings, *, known: bool = True) -> None:
        assert settings.database_address
        self.address = settings.database_address
        self.known = known
        self.renewals = 0
        self.password = "of-yesterday"

    def current(self) -> DatabaseAddress:
        return dataclasses.replace(self.address, password=self.password)

    def renew(self) -> bool:
        self.renewals += 1
        if self.known:
            self.password = self.address.password
        return self.known


def ask(rotation: Rotation) -> object:
    database = Database(rotation.current, rotation.renew)
    with closing(database):
        return [database.run(_one), database.run(_one)]


def _one(cursor: object) -> object:
    cursor.execute("SELECT 1")  # type: ignore[attr-defined] # PyMySQL's cursor
    return cursor.fetchone()  # type: ignore[attr-defined] # the same


def test_a_refused_password_is_read_again_and_no_call_fails(settings: Settings) -> None:
    rotation = Rotation(settings)
    assert ask(rotation) == [(1,), (1,)]
    assert rotation.renewals == 1


def test_a_password_that_is_simply_wrong_is_an_outage_and_asked_for_once(
    settings: Settings,
) -> None:
    rotation = Rotation(settings, known=False)
    with pytest.raises(UnavailableError, match="error 1045"):
        ask(rotation)
    assert rotation.renewals == 1


def test_also_a_lock_of_mysqls_is_taken_with_the_new_password(settings: Settings) -> None:
    rotation = Rotation(settings)
    with Database(rotation.current, rotation.renew).advisory_lock("rotation") as alone:
        assert alone


def test_an_unreachable_server_says_nothing_about_the_password(settings: Settings) -> None:
    rotation = Rotation(settings)
    rotation.address = dataclasses.replace(rotation.address, port=1)
    with pytest.raises(UnavailableError, match="error 2003"):
        ask(rotation)
    assert rotation.renewals == 0
