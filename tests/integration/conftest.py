"""The service on real servers, called directly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import wiring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings


@pytest.fixture
def service(clean: Settings) -> Iterator[Settings]:
    """Handlers with new clients and empty servers."""
    wiring.reset()
    yield clean
    wiring.reset()
