"""What the programs note is read back for one campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.notes import Note, read

if TYPE_CHECKING:
    from pathlib import Path

LINES = """
admitted c u1 3 1
admitted c u1 3 2
admitted another u1 4 1
confirmed c u1
written c u2
given-back coupon:{c}:returned 5
given-back coupon:{another}:returned 6
opened c 2 1234.5
"""


def test_the_notes_of_other_campaigns_are_left_out(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_text(LINES.lstrip())
    noted = read(journal, "c")
    assert noted.givers == {("u1", 3): {1, 2}}
    assert noted.opened_at == {2: 1234.5}
    assert noted.given_back == {5}
    assert noted.how_often[Note.CONFIRMED] == noted.how_often[Note.WRITTEN] == 1


def test_without_a_journal_nothing_was_noted(tmp_path: Path) -> None:
    assert read(tmp_path / "journal", "c").givers == {}
