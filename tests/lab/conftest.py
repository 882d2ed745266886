"""The lab's servers, started once: each stage empties them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from lab.judge.judge import Judge
from lab.judge.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with ExitStack() as cleanup:
        worlds = [cleanup.enter_context(World().running()) for _ in range(2)]
        yield Judge(worlds, tmp_path_factory.mktemp("logs"))
