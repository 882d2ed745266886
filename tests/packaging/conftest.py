"""The package that these tests look into."""

from __future__ import annotations

import pytest

from tests.support.built_package import Built, built_once


@pytest.fixture(scope="session")
def package_x86(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built_once(tmp_path_factory, "x86_64", "--arch", "x86_64")
