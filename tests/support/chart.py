"""The Helm chart: its values and its schema."""

from __future__ import annotations

import json
from typing import Any

import yaml

from infra.helm.table import CHART

SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text("utf-8"))
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))


def properties(*path: str) -> dict[str, Any]:
    """Return what the schema has inside a value."""
    part = SCHEMA
    for name in path:
        part = part["properties"][name]
    found = part["properties"]
    assert isinstance(found, dict)
    return found


def leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Return the path of each value of values.yaml that has no names inside."""
    found: set[tuple[str, ...]] = set()
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found |= leaves(value, (*path, name))
        else:
            found.add((*path, name))
    return found
