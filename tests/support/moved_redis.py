"""A primary with a replica, and an address that leads to one of them: fixtures."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from local.servers import ValkeyGroup
from local.servers.ports import free_port
from tests.faults.engine.links import Links

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.engine.links import Link


@pytest.fixture
def group() -> Iterator[ValkeyGroup]:
    """Both servers; either can be promoted."""
    with ValkeyGroup() as made:
        yield made


@pytest.fixture
def address(group: ValkeyGroup) -> Iterator[Link]:
    """An address that leads to the primary, as a name in DNS does or a virtual IP."""
    with closing(Links()) as links:
        yield links.add(free_port(), group.primary.port)
