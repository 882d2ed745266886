"""The deployment package: complete, small, reproducible, of the right processor."""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import re
import struct
import sys
import zipfile
from importlib import metadata
from typing import TYPE_CHECKING

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.package import archive, lock, wheels
from infra.package.__main__ import WHEEL_CACHE
from infra.package.build import ZIP_BYTES_MAX
from infra.package.target import Target
from tests.support.built_package import package
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType

    from tests.support.built_package import Built

# ELF's numbers of processors (e_machine, two bytes at 18).
X86_64, AARCH64 = 62, 183
UNCHECKED_HASH = 0b01  # PEP 552: by hash, and the source is not checked
PYC_HEADER_BYTES = 16
# Required by a package and left out: Lambda provides boto3 and botocore, only the signer's command
# line imports click, and only a build of bindings imports pycparser.
UNPACKAGED = {"boto3", "botocore", "click", "pycparser"}
# The first test that needs the package builds it, which is slow on a busy machine.
pytestmark = pytest.mark.timeout(600)


def pinned() -> dict[str, str]:
    """Return the versions of requirements.txt for this Python, by canonical name."""
    locked = lock.read((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    here = [one for one in locked if not one.marker or Marker(one.marker).evaluate()]
    return {one.name: one.version for one in here}


def test_the_zip_holds_our_code_chalices_runtime_and_what_is_pinned(package_x86: Built) -> None:
    tree = package_x86.tree
    ours = {path.relative_to(ROOT) for path in (ROOT / "handlers").rglob("*") if path.is_file()}
    source = {path for path in ours if path.suffix in {".py", ".lua", ".sql"}}
    assert [path for path in sorted(source) if not (tree / path).is_file()] == []
    assert (tree / "app.py").read_bytes() == (ROOT / "app.py").read_bytes()
    pages = {path.relative_to(ROOT) for path in (ROOT / "web").rglob("*") if path.is_file()}
    assert [path for path in sorted(pages) if not (tree / path).is_file()] == []
    chalice = {path.name for path in (tree / "chalice").glob("*.py")}
    assert chalice == {"__init__.py", "app.py"}
    packages = {
        canonicalize_name(name): version
        for name, version in package_x86.manifest["packages"].items()
    }
    expected = {name: version for name, version in pinned().items() if name not in wheels.LEFT_OUT}
    assert {name: version for name, version in packages.items() if name != "chalice"} == expected


def test_all_dependencies_of_a_package_are_packaged_too(package_x86: Built) -> None:
    # pip runs with --no-deps, so only this test detects a new dependency of a new version.
    found = list(metadata.distributions(path=[str(package_x86.tree)]))
    needs = [Requirement(text) for one in found for text in one.requires or ()]
    for_now = {
        need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""})
    }
    there = {canonicalize_name(one.name) for one in found}
    assert {canonicalize_name(name) for name in for_now} - there == UNPACKAGED


def test_nothing_is_packaged_that_lambda_provides_or_that_never_runs(package_x86: Built) -> None:
    tree = package_x86.tree
    brought = {"boto3", "botocore", "s3transfer", "awslambdaric", "pip", "setuptools"}
    assert {path.name for path in tree.iterdir()} & brought == set()
    # web/docs is a page.
    folders = {path.name for path in tree.rglob("*") if path.is_dir() if path.parent.name != "web"}
    assert folders & {"tests", "test", "docs", "bin", "local"} == set()
    assert [path.name for path in (tree / "infra").iterdir()] == ["schema"]
    assert [path for path in tree.rglob("*") if path.suffix in {".pyi", ".h", ".env"}] == []


def test_the_zip_is_small_and_the_manifest_describes_it(package_x86: Built) -> None:
    manifest = package_x86.manifest
    content = package_x86.zip_file.read_bytes()
    assert len(content) <= ZIP_BYTES_MAX
    assert manifest["zip"]["bytes"] == len(content)
    assert manifest["zip"]["sha256"] == hashlib.sha256(content).hexdigest()
    unzipped = sum(path.stat().st_size for path in package_x86.tree.rglob("*") if path.is_file())
    assert manifest["zip"]["unzipped_bytes"] == unzipped
    assert manifest["runtime"] == "python{}.{}".format(*sys.version_info[:2])
    assert manifest["architecture"] == "x86_64"
    assert manifest["git"] is None or re.fullmatch("[0-9a-f]{40}", manifest["git"]["commit"])


def test_binaries_are_of_the_requested_processor(package_x86: Built, tmp_path: Path) -> None:
    assert machines(package_x86.tree) == {X86_64}
    functions = functions_of(package_x86)
    assert [f["Architectures"] for f in functions] == [["x86_64"]] * len(functions)
    # Only the wheels differ between the two; a whole build would be slow.
    other = Target.of("arm64", sys.executable)
    wheels.install(ROOT / "requirements.txt", other, tmp_path / "arm64", WHEEL_CACHE)
    assert machines(tmp_path / "arm64") == {AARCH64}


def machines(tree: Path) -> set[int]:
    """Return the processors that the binaries of a tree are for."""
    libraries = list(tree.rglob("*.so"))
    assert "hiredis" in " ".join(path.name for path in libraries)
    heads = [path.read_bytes()[:20] for path in libraries]
    assert {head[:4] for head in heads} == {b"\x7fELF"}
    return {struct.unpack_from("<H", head, 18)[0] for head in heads}


def test_every_source_has_bytecode_that_is_never_checked(package_x86: Built) -> None:
    tree = package_x86.tree
    sources = sorted(tree.rglob("*.py"))
    assert len(sources) > 100
    for source in sources:
        bytecode = (
            source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        )
        header = bytecode.read_bytes()[:PYC_HEADER_BYTES]
        assert header[:4] == importlib.util.MAGIC_NUMBER, source
        assert struct.unpack_from("<I", header, 4) == (UNCHECKED_HASH,), source
        assert header[8:] == importlib.util.source_hash(source.read_bytes()), source
    compiled = list(tree.rglob("*.pyc"))
    assert len(compiled) == len(sources)


def test_tracebacks_name_files_by_their_paths_in_lambda(package_x86: Built) -> None:
    cached = f"__pycache__/apply.{sys.implementation.cache_tag}.pyc"
    bytecode = (package_x86.tree / "handlers" / cached).read_bytes()
    code: CodeType = marshal.loads(bytecode[PYC_HEADER_BYTES:])  # noqa: S302 - built by this test
    assert code.co_filename == "/var/task/handlers/apply.py"


def test_the_same_input_gives_the_same_bytes(package_x86: Built, tmp_path: Path) -> None:
    again = package("--arch", "x86_64", "--out", str(tmp_path / "again"))
    assert again.returncode == 0, again.stderr
    for name in ("deployment.zip", "sam.yaml", "sbom.cdx.json", "manifest.json"):
        assert (tmp_path / "again" / name).read_bytes() == (
            package_x86.folder / name
        ).read_bytes(), name


def test_a_zip_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    digests = set()
    for number, names in enumerate((["a.py", "b/c.py"], ["b/c.py", "a.py"])):
        tree = tmp_path / str(number)
        for name in names:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(name)
            (tree / name).chmod(0o600 if number else 0o755)
        archive.write(tree, tmp_path / f"{number}.zip")
        digests.add((tmp_path / f"{number}.zip").read_bytes())
    assert len(digests) == 1
    with zipfile.ZipFile(tmp_path / "0.zip") as written:
        assert {entry.external_attr >> 16 for entry in written.infolist()} == {0o100644}


def test_the_template_has_a_function_for_each_handler_on_the_packaged_runtime(
    package_x86: Built,
) -> None:
    functions = functions_of(package_x86)
    handlers = {function["Handler"] for function in functions}
    assert {"app.app", "app.consume_handler", "app.relay_handler"} <= handlers
    assert {function["CodeUri"] for function in functions} == {"./deployment.zip"}
    assert {function["Runtime"] for function in functions} == {package_x86.manifest["runtime"]}


class Intrinsics(yaml.SafeLoader):
    """YAML with CloudFormation's !Ref and the like, which this loader ignores."""


Intrinsics.add_multi_constructor("!", lambda _loader, tag, node: (tag, node.value))


def functions_of(built: Built) -> list[dict[str, object]]:
    text = (built.folder / "sam.yaml").read_text(encoding="utf-8")
    resources = yaml.load(text, Intrinsics)["Resources"]  # noqa: S506 - a SafeLoader
    return [
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
