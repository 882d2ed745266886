"""handlers/domain/attempts.py: one failure does not keep the rest from being done."""

from __future__ import annotations

import pytest

from handlers.domain.attempts import Attempts
from handlers.domain.errors import StaleStateError, UnavailableError


def test_failures_are_named_together_once_all_else_is_done() -> None:
    attempts, done = Attempts(goes_on=True), []
    for name in ("a", "b", "c"):
        with attempts.at(name):
            if name != "b":
                raise StaleStateError
            done.append(name)
    assert done == ["b"]
    with pytest.raises(UnavailableError, match="not opened: a, c") as caught:
        attempts.raise_failures("not opened")
    assert isinstance(caught.value.__cause__, StaleStateError)


def test_nothing_is_raised_where_nothing_failed() -> None:
    attempts = Attempts(goes_on=True)
    with attempts.at("a"):
        pass
    attempts.raise_failures("not opened")


def test_on_a_single_server_the_first_failure_is_raised() -> None:
    attempts = Attempts(goes_on=False)
    with pytest.raises(StaleStateError), attempts.at("a"):
        raise StaleStateError
    assert not attempts.failures


def test_a_bug_is_not_a_server_that_does_not_respond() -> None:
    attempts = Attempts(goes_on=True)
    with pytest.raises(KeyError), attempts.at("a"):
        raise KeyError
