"""The packaged functions on real servers."""

from __future__ import annotations

import platform
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from local.lambda_function.function import Function
from tests.support.built_package import Built, built_once, lambda_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path


if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # the package holds Linux's binaries


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The package for this machine's processor, the only one that can run here."""
    architecture = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    return built_once(tmp_path_factory, architecture, "--arch", architecture)


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lambda_folder(tmp_path_factory)


@pytest.fixture
def function(
    built: Built, runtime: Path, tmp_path: Path
) -> Callable[[str, Mapping[str, str]], AbstractContextManager[Function]]:
    """Run `app.name` with the given settings inside a block."""

    @contextmanager
    def run(handler: str, settings: Mapping[str, str]) -> Iterator[Function]:
        log = tmp_path / f"{handler}.log"
        with Function(handler, built.tree, runtime, settings, log) as running:
            yield running

    return run
