"""handlers/deferred_package.py: a package's file runs when a name of it is asked for."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from handlers import deferred_package
from handlers.deferred_package import defer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "slow_to_import"
# It counts its runs in a module that is no part of it.
FILE = """
import sys
sys.runs_of_slow_to_import.append(__name__)
from slow_to_import.one import ONE
from slow_to_import.two import TWO
AT_LAST = 3
"""
THREADS = 8


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A package with two modules; the list grows with each run of its file."""
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "__init__.py").write_text(FILE)
    (folder / "one.py").write_text("import slow_to_import.two as two\nONE = 1\n")
    (folder / "two.py").write_text("TWO = 2\n")
    found: list[str] = []
    monkeypatch.setattr(sys, "runs_of_slow_to_import", found, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(deferred_package._FINDER, "homes", {})
    yield found
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


def test_a_module_of_the_package_is_imported_without_its_file(runs: list[str]) -> None:
    defer(NAME)
    assert import_module(f"{NAME}.one").ONE == 1
    package = import_module(NAME)
    assert package.one.two.TWO == 2
    assert package.two is import_module(f"{NAME}.two")
    assert runs == []


def test_without_deferring_it_the_file_runs_first(runs: list[str]) -> None:
    import_module(f"{NAME}.one")
    assert runs == [NAME]


def test_a_name_with_a_home_imports_that_module_alone(runs: list[str]) -> None:
    defer(NAME, {"TWO": "two"})
    assert import_module(NAME).TWO == 2
    assert f"{NAME}.one" not in sys.modules
    assert runs == []


def test_any_other_name_runs_the_file_once(runs: list[str]) -> None:
    defer(NAME)
    package = import_module(NAME)
    assert (package.AT_LAST, package.ONE, package.TWO) == (3, 1, 2)
    assert runs == [NAME]


def test_a_name_that_does_not_exist_is_an_attribute_error(runs: list[str]) -> None:
    defer(NAME)
    package = import_module(NAME)
    for _ in range(2):
        with pytest.raises(AttributeError, match="nothing"):
            _ = package.nothing
    assert runs == [NAME]


def test_python_itself_looks_for_its_own_names_without_running_the_file(runs: list[str]) -> None:
    defer(NAME)
    assert not hasattr(import_module(NAME), "__warningregistry__")
    assert runs == []


def test_threads_that_ask_at_once_all_get_the_name_of_one_run(runs: list[str]) -> None:
    defer(NAME)
    package, together = import_module(NAME), Barrier(THREADS)

    def ask(_: int) -> int:
        together.wait()
        found: int = package.AT_LAST
        return found

    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(ask, range(THREADS))) == [3] * THREADS
    assert runs == [NAME]


def test_a_file_that_fails_is_run_again_by_the_next_who_asks(
    runs: list[str], tmp_path: Path
) -> None:
    defer(NAME)
    package = import_module(NAME)
    (tmp_path / NAME / "two.py").write_text("raise OSError('a disk')\n")
    with pytest.raises(OSError, match="a disk"):
        _ = package.AT_LAST
    (tmp_path / NAME / "two.py").write_text("TWO = 2  # mended\n")
    assert package.AT_LAST == 3
    assert runs == [NAME, NAME]


def test_a_package_that_is_not_there_is_not_found(runs: list[str]) -> None:
    defer("no_such_package_at_all")
    with pytest.raises(ModuleNotFoundError):
        import_module("no_such_package_at_all")


def test_a_package_that_is_imported_already_stays_as_it_is(runs: list[str]) -> None:
    package = import_module(NAME)
    defer(NAME)
    assert import_module(NAME) is package
    assert runs == [NAME]
