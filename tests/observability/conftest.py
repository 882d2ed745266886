"""The system as programs that show their metrics, as the end-to-end tests have it."""

from __future__ import annotations

from tests.e2e.conftest import world

__all__ = ["world"]
