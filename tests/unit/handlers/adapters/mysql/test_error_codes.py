"""What each error of MySQL's means for the service."""

from __future__ import annotations

import pymysql
import pytest

from handlers.adapters.mysql.database import CONTENTION, STALE
from handlers.adapters.mysql.error_codes import (
    CONTENT,
    LOGIN_REFUSED,
    SETUP,
    TOO_LARGE,
    code_of,
    describe,
    refuses_content,
)

VALUE = "the-secret-value"


@pytest.mark.parametrize("code", CONTENT)
def test_content_that_never_fits_is_refused_whatever_class_pymysql_gives_it(code: int) -> None:
    for kind in (pymysql.OperationalError, pymysql.DataError, pymysql.ProgrammingError):
        assert refuses_content(kind(code, VALUE))


@pytest.mark.parametrize("code", SETUP)
def test_a_wrong_setup_refuses_no_content_and_says_its_number_and_what_is_wrong(code: int) -> None:
    for kind in (pymysql.OperationalError, pymysql.DataError, pymysql.IntegrityError):
        error = kind(code, VALUE)
        assert not refuses_content(error)
        assert describe(error) == f"MySQL is set up wrongly (error {code}: {SETUP[code]})"


@pytest.mark.parametrize("code", TOO_LARGE)
def test_a_transaction_that_is_too_large_refuses_no_content_and_names_the_limit(code: int) -> None:
    error = pymysql.OperationalError(code, VALUE)
    assert not refuses_content(error)
    assert describe(error) == f"MySQL refused a transaction (error {code}: {TOO_LARGE[code]})"


# Too many connections, shutting down, disk full, table full, read-only, out of memory, unknown.
@pytest.mark.parametrize("code", [1040, 1053, 1021, 1114, 1290, 1037, 1836, 60_000])
def test_every_other_error_is_an_outage_with_its_number(code: int) -> None:
    error = pymysql.OperationalError(code, VALUE)
    assert not refuses_content(error)
    assert describe(error) == f"MySQL gave no answer (error {code})"


def test_a_value_that_pymysql_knows_to_be_refused_needs_no_row_in_the_table() -> None:
    assert refuses_content(pymysql.DataError(60_000, VALUE))


def test_no_error_means_two_things() -> None:
    meanings = [set(CONTENT), set(SETUP), CONTENTION | STALE, set(TOO_LARGE)]
    assert len(set.union(*meanings)) == sum(map(len, meanings))
    assert set(SETUP) >= LOGIN_REFUSED


@pytest.mark.parametrize("error", [pymysql.InterfaceError(), pymysql.OperationalError("text")])
def test_an_error_without_a_number_is_an_outage(error: pymysql.Error) -> None:
    assert code_of(error) == 0
    assert describe(error) == "MySQL gave no answer (error 0)"
