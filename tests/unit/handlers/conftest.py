"""Fixtures of the handlers' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.unit.conftest import Fakes


@pytest.fixture
def calls(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """What the adapters are asked from now on: the method and about whom."""
    noted: list[tuple[str, list[Any]]] = []

    def note(adapter: Any, method: str, ask: Callable[[Any], Any]) -> None:
        original = getattr(adapter, method)

        def noting(questions: Sequence[Any], *more: Any) -> Any:
            noted.append((method, [ask(question) for question in questions]))
            return original(questions, *more)

        monkeypatch.setattr(adapter, method, noting)

    note(fakes.admissions, "admit_all", lambda applicant: applicant.user_id)
    note(fakes.publisher, "publish_all", lambda outgoing: outgoing.message.user_id)
    note(fakes.admissions, "confirm_all", lambda message: message.user_id)
    note(fakes.direct_writer, "write_all", lambda message: message.user_id)
    return noted
