"""The rules of this repository that no linter checks: layers, links, sizes."""

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
    is_inside,
    module_file,
    names_assigned,
    names_called_from,
    python_files,
)
from tests.support.paths import ROOT

LINES_MAX = 260
# of clients
BUILDERS = (
    "handlers.wiring",
    "handlers.operations",
    "handlers.coupon_clients",
    "handlers.privacy_clients",
    "handlers.trace_clients",
    "handlers.webhook_clients",
)
# A replacement of the standard library's JSON: the domain may use it as well.
JSON = "handlers.fast_json"
# Every layer may import these: the settings, the log format, what becomes a trace.
COMMON = (
    "handlers.config",
    "handlers.database_address",
    "handlers.deferred_package",
    "handlers.env_parser",
    "handlers.gc_pause",
    "handlers.log",
    "handlers.once",
    "handlers.origin_secret",
    "handlers.page_settings",
    "handlers.production",
    "handlers.redis_url",
    "handlers.retry",
    "handlers.token_rules",
    "handlers.tracing.asking",
    "handlers.tracing.batch",
    "handlers.tracing.caller",
    "handlers.tracing.current",
    "handlers.tracing.place",
    "handlers.tracing.request",
    "handlers.tracing.settings",
    "handlers.tracing.span",
    JSON,
)
# The folders of the source that tests/unit mirrors.
MIRRORED = {("handlers",), ("local",), ("infra",), ("bench",), ("lab",)}
UNIT_LAST = re.compile(r"^[A-Z_]+_(MAX|MIN)_(MS|S|MB|KB|BYTES)$")
HANDLER_MODULES = sorted((ROOT / "handlers").glob("*.py"))


def relative(file: Path) -> str:
    return str(file.relative_to(ROOT))


def forbidden(file: Path, *allowed: str) -> set[str]:
    """Return the imports of `file` from handlers/ that are not `allowed`."""
    names = {name for name in imported_names(file) if is_inside(name, "handlers")}
    return {name for name in names if not is_inside(name, *allowed)}


def test_each_migration_depends_on_the_one_before() -> None:
    files = sorted(SCHEMA.glob("*.sql"))
    first_lines = [file.read_text().splitlines()[0] for file in files[1:]]
    assert first_lines == [f"-- depends: {before.stem}" for before in files[:-1]]


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
    # In the package they are beside handlers/, as they are here.
    assert SCHEMA == ROOT / "infra" / "schema"
    assert list(link.glob("*.sql"))


@pytest.mark.parametrize("file", python_files("handlers/domain"), ids=relative)
def test_the_domain_imports_itself_and_the_standard_library_only(file: Path) -> None:
    foreign = {
        name
        for name in imported_names(file)
        if not is_inside(name, "handlers.domain", JSON, *sys.stdlib_module_names)
    }
    assert foreign == set()


@pytest.mark.parametrize("file", python_files("handlers/edge"), ids=relative)
def test_the_edge_imports_the_domain_below_it_only(file: Path) -> None:
    assert forbidden(file, "handlers.domain", "handlers.edge", *COMMON) == set()


@pytest.mark.parametrize("file", python_files("handlers/adapters"), ids=relative)
def test_the_adapters_import_the_domain_below_them_only(file: Path) -> None:
    assert forbidden(file, "handlers.domain", "handlers.adapters", *COMMON) == set()


@pytest.mark.parametrize("name", COMMON)
def test_a_module_that_every_layer_imports_imports_no_layer(name: str) -> None:
    names = imported_names(ROOT / f"{name.replace('.', '/')}.py")
    assert name != JSON or all(is_inside(one, *sys.stdlib_module_names) for one in names)
    assert {one for one in names if not is_inside(one, *COMMON, *sys.stdlib_module_names)} == set()


@pytest.mark.parametrize("file", HANDLER_MODULES, ids=relative)
def test_only_wiring_builds_adapters_and_other_modules_import_types_at_most(file: Path) -> None:
    below = ["handlers.domain", "handlers.edge", "handlers.adapters", *BUILDERS, *COMMON]
    if file.name == "openapi.py":
        below.append("handlers.api")
    if file.name == "cold_start.py":
        below += [f"handlers.{module.stem}" for module in HANDLER_MODULES]
    assert forbidden(file, *below) == set()
    if f"handlers.{file.stem}" not in BUILDERS:
        assert names_called_from(file, "handlers.adapters") == set()


def test_only_wiring_itself_accesses_its_clients() -> None:
    private = re.compile(r"\bwiring\._\w+|\b_built\b")
    own = {ROOT / "handlers" / "once.py", ROOT / "handlers" / "wiring.py", Path(__file__)}
    files = set(every_python_file()) - own
    assert [relative(file) for file in files if private.search(file.read_text("utf-8"))] == []


@pytest.mark.parametrize("file", python_files("handlers"), ids=relative)
def test_the_deployed_code_does_not_import_its_platforms(file: Path) -> None:
    homes = ("app", "bench", "chalice", "chalicelib", "infra", "lab", "local", "tests")
    assert {name for name in imported_names(file) if is_inside(name, *homes)} == set()


@pytest.mark.parametrize("file", every_python_file(), ids=relative)
def test_a_constant_names_its_unit_before_max_or_min(
    file: Path,
) -> None:
    assert {name for name in names_assigned(file) if UNIT_LAST.search(name)} == set()


@pytest.mark.parametrize("file", python_files("local/harness"), ids=relative)
def test_the_harness_does_not_import_the_programs_that_share_it(file: Path) -> None:
    programs = ("local.demo", "local.load", "local.soak", "bench", "lab", "tests")
    assert {name for name in imported_names(file) if is_inside(name, *programs)} == set()


@pytest.mark.parametrize("folder", ["bench", "local/harness"])
def test_no_modules_import_each_other_in_a_circle(folder: str) -> None:
    """Not even for types: modules in a circle cannot be read in any order."""
    files = {file for file in python_files(folder) if file.name != "__init__.py"}
    imports = {
        file: {module_file(name) for name in imported_names(file)} & files - {file}
        for file in files
    }
    while leaves := {file for file, needed in imports.items() if not needed}:
        imports = {f: needed - leaves for f, needed in imports.items() if f not in leaves}
    assert sorted(map(relative, imports)) == []


@pytest.mark.parametrize("file", every_python_file(), ids=relative)
def test_a_python_file_stays_short(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES_MAX


def test_a_unit_test_is_in_the_folder_of_the_module_it_tests() -> None:
    unit = ROOT / "tests" / "unit"
    for file in unit.rglob("test_*.py"):
        folder = file.parent.relative_to(unit)
        assert folder.parts[:1] in MIRRORED, relative(file)
        assert (ROOT / folder).is_dir(), relative(file)


def test_shared_test_code_is_in_support() -> None:
    tests = ROOT / "tests"
    files = [*tests.glob("*.py"), *python_files("tests/unit", "tests/integration")]
    helpers = {file for file in files if not file.name.startswith(("test_", "conftest."))}
    assert helpers == set()


def test_no_two_classes_of_the_product_have_the_same_name() -> None:
    homes = defaultdict(set)
    for file in [ROOT / "app.py", *python_files("handlers", "local", "infra", "bench", "lab")]:
        for name in classes_defined(file):
            homes[name].add(relative(file))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}
