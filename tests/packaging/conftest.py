"""The package and the templates that these tests read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from infra.application import sam_template
from tests.support.built_package import Built, built_once
from tests.support.templates import template

STACKS = (
    "account",
    "network",
    "data",
    "operations",
    "images",
    "containers",
    "cdn",
    "durable-valkey",
)


@pytest.fixture(scope="session")
def package_x86(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built_once(tmp_path_factory, "x86_64", "--arch", "x86_64")


@pytest.fixture(scope="session")
def sam() -> str:
    return sam_template()


@pytest.fixture(scope="session")
def templates(sam: str) -> dict[str, dict[str, Any]]:
    return {name: template(name) for name in STACKS} | {"application": yaml.safe_load(sam)}
