"""Schemas for kubeconform: whole by themselves, and strict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from infra.helm import schemas

if TYPE_CHECKING:
    from pathlib import Path

POD = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"type": "string"},
        "spec": {"$ref": "/api/_definitions.json#/$defs/Spec"},
    },
}
DEFINITIONS = {
    "Spec": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Next"}}},
    "Next": {"type": "object", "properties": {"spec": {"$ref": "#/$defs/Spec"}}},
    "Unused": {"type": "string"},
}
SIZE = {"x-kubernetes-int-or-string": True}
CUSTOM = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": SIZE,
                "note": {"type": "string", "nullable": True},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        }
    },
}


@pytest.fixture
def custom(tmp_path: Path) -> dict[str, Any]:
    versions = [{"name": "v1", "schema": {"openAPIV3Schema": CUSTOM}}]
    spec = {"names": {"kind": "Thing"}, "versions": versions}
    definition = {"kind": "CustomResourceDefinition", "spec": spec}
    (tmp_path / "things.yaml").write_text(yaml.safe_dump_all([None, definition]))
    assert schemas.write_custom(tmp_path / "things.yaml", tmp_path) == ["thing_v1.json"]
    found = json.loads((tmp_path / "thing_v1.json").read_text())
    assert isinstance(found, dict)
    return found


def test_a_resource_has_all_that_it_refers_to_and_nothing_else(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "_definitions.json").write_text(json.dumps({"$defs": DEFINITIONS}))
    (source / "pod-v1.json").write_text(json.dumps(POD))
    (source / "podspec-v1.json").write_text(json.dumps(DEFINITIONS["Spec"]))
    assert schemas.write_kubernetes(source, target) == 1
    assert [file.name for file in target.iterdir()] == ["pod-v1.json"]
    schema = json.loads((target / "pod-v1.json").read_text())
    assert schema["definitions"].keys() == {"Spec", "Next"}
    jsonschema.validate({"spec": {"next": {"spec": {}}}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"spec": {"next": {"spec": 3}}}, schema)


@pytest.mark.parametrize(
    "spec",
    [
        {"size": 3, "note": None, "labels": {"a": "b"}, "free": {"any": 1}},
        {"size": "3"},
    ],
)
def test_a_resource_of_an_operator_is_accepted(custom: dict[str, Any], spec: object) -> None:
    jsonschema.validate({"metadata": {"name": "a"}, "spec": spec}, custom)


@pytest.mark.parametrize(
    "spec", [{"sice": 3}, {"size": []}, {"note": 3}, {"labels": {"a": 1}}, {"labels": None}]
)
def test_a_property_that_is_misspelt_or_of_another_type_is_refused(
    custom: dict[str, Any], spec: object
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"metadata": {"name": "a"}, "spec": spec}, custom)
