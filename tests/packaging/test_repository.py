"""The rules of the house that no linter knows: layers, links, sizes."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from handlers.adapters.migration.schema import SCHEMA
from tests.packaging.source import (
    classes_defined,
    every_python_file,
    imported_names,
    lies_in,
    module_file,
    names_assigned,
    names_called_from,
    python_files,
)
from tests.support.paths import ROOT

LINES_MAX = 260
# The standard library's JSON, as if it were that: to be used by the domain as well.
JSON = "handlers.fast_json"
# Known to every layer: the settings, how a line is logged.
COMMON = (
    "handlers.config",
    "handlers.env_parser",
    "handlers.gc_pause",
    "handlers.log",
    "handlers.retry",
    JSON,
)
# The folders of the source that tests/unit mirrors.
MIRRORED = {("handlers",), ("local",), ("infra",), ("bench",)}
UNIT_LAST = re.compile(r"^[A-Z_]+_(MAX|MIN)_(MS|S|MB|KB|BYTES)$")
HANDLER_MODULES = sorted((ROOT / "handlers").glob("*.py"))


def relative(file: Path) -> str:
    return str(file.relative_to(ROOT))


def forbidden(file: Path, *allowed: str) -> set[str]:
    """Return what `file` imports of handlers/ beyond `allowed`."""
    names = {name for name in imported_names(file) if lies_in(name, "handlers")}
    return {name for name in names if not lies_in(name, *allowed)}


def test_vendor_holds_a_link_to_the_handlers_for_the_deployment_package() -> None:
    link = ROOT / "vendor" / "handlers"
    assert link.is_symlink()
    assert str(link.readlink()) == "../handlers"
    assert (link / "config.py").samefile(ROOT / "handlers" / "config.py")


def test_vendor_holds_a_link_to_the_migrations_and_to_nothing_else_of_infra() -> None:
    link = ROOT / "vendor" / "infra" / "schema"
    assert link.is_symlink()
    assert str(link.readlink()) == "../../infra/schema"
    assert [entry.name for entry in link.parent.iterdir()] == ["schema"]
    # In the package they lie beside handlers/, as they do here.
    assert SCHEMA == ROOT / "infra" / "schema"
    assert list(link.glob("*.sql"))


@pytest.mark.parametrize("file", python_files("handlers/domain"), ids=relative)
def test_the_domain_imports_itself_and_the_standard_library_only(file: Path) -> None:
    foreign = {
        name
        for name in imported_names(file)
        if not lies_in(name, "handlers.domain", JSON, *sys.stdlib_module_names)
    }
    assert foreign == set()


@pytest.mark.parametrize("file", python_files("handlers/edge"), ids=relative)
def test_the_edge_imports_the_domain_below_it_only(file: Path) -> None:
    assert forbidden(file, "handlers.domain", "handlers.edge", *COMMON) == set()


@pytest.mark.parametrize("file", python_files("handlers/adapters"), ids=relative)
def test_the_adapters_import_the_domain_below_them_only(file: Path) -> None:
    assert forbidden(file, "handlers.domain", "handlers.adapters", *COMMON) == set()


@pytest.mark.parametrize("name", COMMON)
def test_what_every_layer_knows_knows_nobody_else(name: str) -> None:
    names = imported_names(ROOT / f"{name.replace('.', '/')}.py")
    assert name != JSON or all(lies_in(one, *sys.stdlib_module_names) for one in names)
    assert {one for one in names if not lies_in(one, *COMMON, *sys.stdlib_module_names)} == set()


@pytest.mark.parametrize("file", HANDLER_MODULES, ids=relative)
def test_only_wiring_builds_adapters_and_the_others_know_their_types_at_most(file: Path) -> None:
    below = ["handlers.domain", "handlers.edge", "handlers.adapters", "handlers.wiring", *COMMON]
    if file.name == "routes.py":
        below += [f"handlers.{module.stem}" for module in HANDLER_MODULES]
    assert forbidden(file, *below) == set()
    if file.name != "wiring.py":
        assert names_called_from(file, "handlers.adapters") == set()


def test_only_wiring_itself_knows_where_it_keeps_its_clients() -> None:
    private = re.compile(r"\bwiring\._\w+|\b_built\b")
    own = {ROOT / "handlers" / "wiring.py", Path(__file__)}
    files = set(every_python_file()) - own
    assert [relative(file) for file in files if private.search(file.read_text("utf-8"))] == []


@pytest.mark.parametrize("file", python_files("handlers"), ids=relative)
def test_what_is_deployed_knows_nothing_of_its_homes(file: Path) -> None:
    homes = ("app", "bench", "chalice", "chalicelib", "infra", "local", "tests")
    assert {name for name in imported_names(file) if lies_in(name, *homes)} == set()


@pytest.mark.parametrize("file", every_python_file(), ids=relative)
def test_a_constant_names_its_unit_before_it_says_that_it_is_the_most_or_the_least(
    file: Path,
) -> None:
    assert {name for name in names_assigned(file) if UNIT_LAST.search(name)} == set()


@pytest.mark.parametrize("file", python_files("local/harness"), ids=relative)
def test_the_harness_knows_none_of_the_programs_that_share_it(file: Path) -> None:
    programs = ("local.demo", "local.load", "local.soak", "bench", "tests")
    assert {name for name in imported_names(file) if lies_in(name, *programs)} == set()


@pytest.mark.parametrize("folder", ["bench", "local/harness"])
def test_no_modules_import_each_other_in_a_circle(folder: str) -> None:
    """Not even for types: a circle is read from no end."""
    files = {file for file in python_files(folder) if file.name != "__init__.py"}
    imports = {
        file: {module_file(name) for name in imported_names(file)} & files - {file}
        for file in files
    }
    while leaves := {file for file, needed in imports.items() if not needed}:
        imports = {f: needed - leaves for f, needed in imports.items() if f not in leaves}
    assert sorted(map(relative, imports)) == []


@pytest.mark.parametrize("file", every_python_file(), ids=relative)
def test_a_python_file_has_one_thing_to_say_and_stays_short(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES_MAX


def test_a_unit_test_lies_in_the_folder_of_what_it_tests() -> None:
    unit = ROOT / "tests" / "unit"
    for file in unit.rglob("test_*.py"):
        folder = file.parent.relative_to(unit)
        assert folder.parts[:1] in MIRRORED, relative(file)
        assert (ROOT / folder).is_dir(), relative(file)


def test_what_tests_share_lies_in_support_and_not_among_them() -> None:
    tests = ROOT / "tests"
    files = [*tests.glob("*.py"), *python_files("tests/unit", "tests/integration")]
    helpers = {file for file in files if not file.name.startswith(("test_", "conftest."))}
    assert helpers == set()


def test_no_two_classes_of_the_product_have_the_same_name() -> None:
    homes = defaultdict(set)
    for file in [ROOT / "app.py", *python_files("handlers", "local", "infra", "bench")]:
        for name in classes_defined(file):
            homes[name].add(relative(file))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}
