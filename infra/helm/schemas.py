"""JSON schemas for kubeconform: Kubernetes' own resources, and those that an operator brings.

kubeconform reads them from the network by default. Here they come from packages whose versions and
hashes are pinned, so a check needs no network, and means the same tomorrow.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# As kubernetes-validate writes a reference: the definitions of a version are one file of 2 MB.
REFERENCE = re.compile(r"^(?:/api/_definitions\.json)?#/\$defs/(?P<name>.+)$")
DRAFT = "http://json-schema.org/draft-07/schema#"


def write_kubernetes(source: Path, target: Path) -> int:
    """Write a file for each kind, with all that it refers to; return how many there are.

    source: a folder of kubernetes-validate, `v1.37.0-local-strict`. In "strict", a property that
    Kubernetes does not know is an error.
    """
    target.mkdir(parents=True, exist_ok=True)
    definitions = json.loads((source / "_definitions.json").read_text("utf-8"))["$defs"]
    written = 0
    for file in source.glob("[!_]*.json"):
        schema = json.loads(file.read_text("utf-8"))
        if "apiVersion" not in schema.get("properties", {}):
            continue  # a part of a resource
        written += 1
        needed: dict[str, Any] = {}
        for name in _references(schema):
            _collect(name, definitions, needed)
        whole = {"$schema": DRAFT, **schema, "definitions": needed}
        (target / file.name).write_text(json.dumps(_inside(whole)), encoding="utf-8")
    return written


def write_custom(definition: Path, target: Path) -> list[str]:
    """Write the schemas of a CustomResourceDefinition, one for each version; return their names."""
    target.mkdir(parents=True, exist_ok=True)
    names = []
    for document in yaml.safe_load_all(definition.read_text("utf-8")):
        if (document or {}).get("kind") != "CustomResourceDefinition":
            continue
        kind = document["spec"]["names"]["kind"].lower()
        for version in document["spec"]["versions"]:
            names.append(f"{kind}_{version['name']}.json")
            schema = {"$schema": DRAFT, **_strict(version["schema"]["openAPIV3Schema"])}
            # metadata is Kubernetes' own, which a definition leaves open.
            schema["properties"]["metadata"] = {"type": "object"}
            (target / names[-1]).write_text(json.dumps(schema), encoding="utf-8")
    return names


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        found = REFERENCE.match(str(part.get("$ref", "")))
        if found:
            yield found["name"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _collect(name: str, definitions: Mapping[str, Any], needed: dict[str, Any]) -> None:
    if name in needed:
        return
    needed[name] = definitions[name]
    for other in _references(definitions[name]):
        _collect(other, definitions, needed)


def _inside(part: Any) -> Any:
    """Return the schema with references into itself."""
    if isinstance(part, dict):
        found = REFERENCE.match(str(part.get("$ref", "")))
        if found:
            return {"$ref": f"#/definitions/{found['name']}"}
        return {name: _inside(value) for name, value in part.items()}
    return [_inside(value) for value in part] if isinstance(part, list) else part


def _strict(part: Any) -> Any:
    """Return OpenAPI's schema as JSON Schema in which a property that is not named is an error."""
    if isinstance(part, list):
        return [_strict(value) for value in part]
    if not isinstance(part, dict):
        return part
    schema = {name: _strict(value) for name, value in part.items()}
    if schema.pop("x-kubernetes-int-or-string", False) is True:
        schema["type"] = ["integer", "string"]
    if schema.pop("nullable", False) is True and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    is_open = "additionalProperties" in schema or part.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(part.get("properties"), dict) and "type" in part and not is_open:
        schema["additionalProperties"] = False
    return schema
