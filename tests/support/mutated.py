"""Takes a guard out of the service for a negative control, which shows that a test would notice."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import pytest

    from handlers.adapters.redis.scripts import Script


def change(patch: pytest.MonkeyPatch, script: Script, guard: str, instead: str = "") -> None:
    """Replace the one place of a guard in a script; Redis then gets another script."""
    assert script.source.count(guard) == 1, f"{script.source.count(guard)} times: {guard}"
    source = script.source.replace(guard, instead)
    patch.setattr(script, "source", source)
    digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    patch.setattr(script, "digest", digest)


def in_one_piece(_: object, error: Exception) -> NoReturn:
    """Replace `consume._write_halves`: a batch that MySQL refuses is not divided."""
    raise error
