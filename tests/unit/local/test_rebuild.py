"""`python -m local.rebuild` before it has anything to do with a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wiring
from local.rebuild import main

if TYPE_CHECKING:
    import pytest


def test_only_wrong_settings_are_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STAGE", raising=False)
    wiring.reset()
    assert main([]) == 2
    assert capsys.readouterr().err == "Wrong settings: STAGE is not set.\n"
