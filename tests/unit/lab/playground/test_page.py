from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lab.playground.__main__ import main
from lab.playground.page import (
    FOLDER,
    MODULES,
    REPORT,
    ModuleOrderError,
    inlined,
    page,
    write_page,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_the_program_writes_one_file_that_asks_for_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "lab")]) == 0
    text = (tmp_path / "lab" / "play.html").read_text(encoding="utf-8")
    assert text == page()
    assert "play.html" in capsys.readouterr().out
    assert not re.search(r"https?://|src=|@import|url\(|<link|\bimport \{|\bexport ", text)


def test_it_leads_to_the_report_where_that_is_beside_it(tmp_path: Path) -> None:
    assert REPORT not in write_page(tmp_path).read_text("utf-8").split("<script>")[0]
    (tmp_path / REPORT).touch()
    assert write_page(tmp_path).read_text("utf-8") == page(has_report=True)
    assert f'href="{REPORT}"' in page(has_report=True)


def test_every_module_of_the_folder_is_in_the_page() -> None:
    assert sorted(MODULES) == sorted(file.stem for file in FOLDER.glob("*.js"))


def test_a_module_before_one_that_it_imports_is_named() -> None:
    with pytest.raises(ModuleOrderError, match=r"seonchak\.js imports servers"):
        inlined(("seonchak", "servers"))
