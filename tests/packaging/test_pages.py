"""The files that the pages name exist: a moved file must be renamed in the pages, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.packaging.pages import anchors, exists, links, named_files, pages, programs
from tests.packaging.source import module_file
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Released entries describe the state at their time.
HISTORY = {"CHANGELOG.md"}


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


def broken_links(page: Path, text: str) -> list[str]:
    """Return the links of `text`, read as a part of `page`, whose target does not exist."""
    broken = []
    for link in links(text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        is_there = target.is_relative_to(ROOT) and target.exists()
        if not is_there or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            broken.append(link)
    return broken


def missing_files(text: str) -> set[str]:
    return {name for name in named_files(text) if not exists(name)}


def missing_programs(text: str) -> set[str]:
    return {name for name in programs(text) if module_file(name) is None or not _runs(name)}


def _runs(module: str) -> bool:
    file = ROOT.joinpath(*module.split("."))
    return file.with_suffix(".py").is_file() or (file / "__main__.py").is_file()


@pytest.mark.parametrize("page", pages(), ids=relative)
def test_every_relative_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    assert broken_links(page, page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "page", [page for page in pages() if page.name not in HISTORY], ids=relative
)
def test_every_file_and_folder_in_backticks_exists(page: Path) -> None:
    assert missing_files(page.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("page", pages(), ids=relative)
def test_every_program_that_a_page_runs_exists(page: Path) -> None:
    assert missing_programs(page.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("index", ["docs/README.md", "docs/decisions/README.md"])
def test_an_index_names_every_page_beside_it(index: str) -> None:
    file = ROOT / index
    linked = {(file.parent / link).resolve() for link in links(file.read_text(encoding="utf-8"))}
    assert set(file.parent.glob("*.md")) - linked == {file}


def test_control_a_moved_file_is_detected() -> None:
    page = ROOT / "docs" / "operate.md"
    assert broken_links(page, "[a](operate.md#first-look) [b](https://example.com/x)") == []
    assert broken_links(page, "[a](gone.md) [b](#gone)") == ["gone.md", "#gone"]
    assert broken_links(page, "[a](operate.md#gone) [b](../../etc)") == [
        "operate.md#gone",
        "../../etc",
    ]
    assert missing_files("`handlers/apply.py` `admit.lua` `test_rebuild*.py` `docs/`") == set()
    assert missing_files("`handlers/gone.py` `gone.lua` `local/gone/`, not `a/b`") == {
        "handlers/gone.py",
        "gone.lua",
        "local/gone/",
    }
    assert missing_programs("python -m local.demo") == set()
    assert missing_programs("python -m local.gone") == {"local.gone"}
