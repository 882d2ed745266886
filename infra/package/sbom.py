"""The package's bill of materials (CycloneDX 1.6): what is in the zip, of whom, under what licence.

It says nothing about when or where it was made: same package, same bytes.
"""

from __future__ import annotations

import tomllib
import uuid
from importlib import metadata
from typing import TYPE_CHECKING, Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.package.target import Target

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
CLASSIFIER = "License :: "
# Some packages have the whole text of their licence in a field that is meant for its name.
LICENSE_NAME_CHARS_MAX = 80
DIRECT = "requirements/runtime.in"
CHALICE_SHARE = "its runtime only, which `chalice package` copies: chalice/__init__.py and app.py"


def of(
    project: Path, target: Target, tree: Path, wheels: Mapping[str, str], zip_sha256: str
) -> dict[str, Any]:
    """Return the bill of materials of a package.

    tree: the unpacked package; wheels: the sha256 of each wheel by the name of its package.
    """
    packaged = {_name(one): one for one in metadata.distributions(path=[str(tree)])}
    chalice = metadata.distribution("chalice")
    components = [_component(one) | _hashes(wheels[name]) for name, one in packaged.items()]
    components.append(_component(chalice) | {"description": CHALICE_SHARE})
    needs = {name: _needs(one, target) & set(packaged) for name, one in packaged.items()}
    references = {name: _reference(one) for name, one in packaged.items()}
    application = _application(project, target, zip_sha256)
    direct = [references[name] for name in _direct(project)] + [_reference(chalice)]
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, zip_sha256).urn,
        "version": 1,
        "metadata": {"lifecycles": [{"phase": "build"}], "component": application},
        "components": sorted(components, key=lambda one: str(one["bom-ref"])),
        "dependencies": [
            {"ref": application["bom-ref"], "dependsOn": sorted(direct)},
            {"ref": _reference(chalice)},
            *(
                {"ref": references[name], "dependsOn": sorted(references[one] for one in needed)}
                for name, needed in sorted(needs.items())
            ),
        ],
    }


def _application(project: Path, target: Target, zip_sha256: str) -> dict[str, Any]:
    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = about["name"], about["version"]
    return {
        "type": "application",
        "bom-ref": f"{name}@{version}",
        "name": name,
        "version": version,
        "description": about["description"],
        "licenses": [{"license": {"id": about["license"]}}],
        **_hashes(zip_sha256),
        "properties": [
            {"name": f"{name}:runtime", "value": target.runtime},
            {"name": f"{name}:architecture", "value": target.architecture},
        ],
    }


def _component(package: metadata.Distribution) -> dict[str, Any]:
    licenses = _licenses(package)
    return {
        "type": "library",
        "bom-ref": _reference(package),
        "name": package.name,
        "version": package.version,
        "purl": _reference(package),
        **({"licenses": licenses} if licenses else {}),
    }


def _licenses(package: metadata.Distribution) -> list[dict[str, Any]]:
    """Return what a package says about its licence: an SPDX expression, or names, or nothing."""
    headers = package.metadata
    expressions = headers.get_all("License-Expression", [])
    if expressions:
        return [{"expression": expressions[0]}]
    classifiers = [
        text for text in headers.get_all("Classifier", []) if text.startswith(CLASSIFIER)
    ]
    names = [text.rpartition(" :: ")[2] for text in classifiers]
    own = [text.strip() for text in headers.get_all("License", [])]
    names = names or [text for text in own if 0 < len(text) <= LICENSE_NAME_CHARS_MAX]
    return [{"license": {"name": name}} for name in names]


def _needs(package: metadata.Distribution, target: Target) -> set[str]:
    """Return the names that a package asks for on the target."""
    environment = {name: str(value) for name, value in default_environment().items()} | {
        "extra": "",
        "python_version": target.runtime.removeprefix("python"),
        "python_full_version": target.python_version,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "aarch64" if target.architecture == "arm64" else "x86_64",
    }
    wanted = [Requirement(text) for text in package.requires or ()]
    there = [one for one in wanted if one.marker is None or one.marker.evaluate(environment)]
    return {canonicalize_name(one.name) for one in there}


def _direct(project: Path) -> list[str]:
    lines = (project / DIRECT).read_text(encoding="utf-8").splitlines()
    texts = [line.partition("#")[0].strip() for line in lines]
    return [canonicalize_name(Requirement(text).name) for text in texts if text]


def _hashes(sha256: str) -> dict[str, Any]:
    return {"hashes": [{"alg": "SHA-256", "content": sha256}]}


def _name(package: metadata.Distribution) -> str:
    return canonicalize_name(package.name)


def _reference(package: metadata.Distribution) -> str:
    return f"pkg:pypi/{_name(package)}@{package.version}"
