"""sbom.cdx.json beside the package: valid, whole, and of exactly the wheels of the lock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.package import lock
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.support.built_package import Built

# The first test that needs the package builds it, which is slow on a busy machine.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def text(package_x86: Built) -> str:
    return (package_x86.folder / "sbom.cdx.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bill(text: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(text)
    return content


def test_it_follows_the_schema_of_cyclonedx(text: str, bill: dict[str, Any]) -> None:
    # Imported here: it takes a second and a half, which each worker of a run would spend.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    schema = JsonStrictValidator(SchemaVersion.V1_6)
    assert schema.validate_str(text) is None
    del bill["components"][0]["name"]  # the control
    assert schema.validate_str(json.dumps(bill)) is not None


def test_it_names_every_package_of_the_zip_with_its_version(package_x86: Built, text: str) -> None:
    components = json.loads(text)["components"]
    listed = {one["name"]: one["version"] for one in components}
    assert listed == package_x86.manifest["packages"]
    assert len({one["bom-ref"] for one in components}) == len(components)


def test_every_wheel_has_a_hash_of_the_lock(text: str) -> None:
    locked = {one.name: one for one in lock.read((ROOT / "requirements.txt").read_text("utf-8"))}
    components = {one["purl"]: one for one in json.loads(text)["components"]}
    [chalice] = [one for purl, one in components.items() if purl.startswith("pkg:pypi/chalice@")]
    del components[chalice["purl"]]  # no wheel: two files that Chalice copies
    assert "hashes" not in chalice
    for purl, component in components.items():
        name, _, version = purl.removeprefix("pkg:pypi/").partition("@")
        [digest] = component["hashes"]
        assert version == locked[name].version
        assert digest["alg"] == "SHA-256"
        assert digest["content"] in locked[name].hashes, name


def test_every_package_is_there_because_the_application_needs_it(text: str) -> None:
    content = json.loads(text)
    needs = {one["ref"]: set(one.get("dependsOn", ())) for one in content["dependencies"]}
    application = content["metadata"]["component"]["bom-ref"]
    reached, waiting = set(), [application]
    while waiting:
        reference = waiting.pop()
        reached.add(reference)
        waiting += needs[reference] - reached
    assert reached == {application} | {one["bom-ref"] for one in content["components"]}


def test_it_names_the_zip_that_it_describes_and_the_manifest_names_it(
    package_x86: Built, text: str
) -> None:
    [digest] = json.loads(text)["metadata"]["component"]["hashes"]
    assert digest["content"] == package_x86.manifest["zip"]["sha256"]
    assert package_x86.manifest["sbom"]["name"] == "sbom.cdx.json"
    assert package_x86.manifest["sbom"]["bytes"] == len(text.encode())


def test_most_packages_say_under_what_licence_they_are(text: str) -> None:
    components = json.loads(text)["components"]
    silent = [one["name"] for one in components if "licenses" not in one]
    assert len(silent) <= 3, silent
