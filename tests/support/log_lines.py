"""The JSON lines that programs log on stderr, as objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest


def parsed(lines: Iterable[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def log_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return parsed(capsys.readouterr().err.splitlines())
