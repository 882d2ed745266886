"""The lab's servers, started once: each stage empties them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.judge.judge import Judge, running_worlds

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with running_worlds() as worlds:
        yield Judge(worlds, tmp_path_factory.mktemp("logs"))
