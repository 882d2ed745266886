"""Clusters for the tests of the campaign."""

from __future__ import annotations

import os
from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.faults.engine.cluster import Cluster
from tests.faults.journals import Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each pytest-xdist worker start with one part of the histories, the longest tests.

    pytest-xdist gives every worker a first chunk, a quarter of its share, of consecutive tests.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    chunk = max(len(items) // (4 * workers), 2)
    parts = [item for item in items if item.path.name == "test_histories.py"]
    for number, part in enumerate(parts):
        items.remove(part)
        items.insert(number * chunk, part)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Servers and programs for one module."""
    with Cluster("tansu", Event()) as running:
        yield running


@pytest.fixture
def cluster_without(cluster: Cluster) -> Callable[..., Cluster]:
    """Runs the programs without one guard of the service."""

    def remove_guard(guard: str = "", **settings: str) -> Cluster:
        cluster.remove_guard(guard, **settings)
        return cluster

    return remove_guard


@pytest.fixture
def story() -> Story:
    """Return the journal of a campaign that was opened."""
    return Story()
