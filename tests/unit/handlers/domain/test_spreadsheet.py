"""What a spreadsheet would run as a formula, as a cell of a CSV file."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.domain.spreadsheet import text_cell
from tests.support.paths import ROOT

FIRST = "=+-@\t\r\n\0"
PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)


@pytest.mark.parametrize("first", FIRST)
def test_a_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(first: str) -> None:
    assert text_cell(f"{first}1+1") == f"'{first}1+1"


@pytest.mark.parametrize("text", ["42", "user-1", "a=b", "a+b@example.com", '"=1+1"', "a'b"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert text_cell(text) == text


@given(st.one_of(PRINTABLE, st.text()))
@example("'=1")
@example(";'=1;;'")
@example("';")
@example("'';;=")
def test_the_text_can_be_had_back_as_the_contract_says(text: str) -> None:
    contract = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert """`re.sub(r"(^|;)'", r"\\1", user_id)`""" in contract
    assert re.sub(r"(^|;)'", r"\1", text_cell(text)) == text


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@given(PRINTABLE)
@example('a;"=1+1";b')
@example('a;""=1+1""')
@example(";=1+1")
def test_no_spreadsheet_finds_a_formula_whatever_it_splits_cells_at(
    separator: str, user_id: str
) -> None:
    file = io.StringIO()
    csv.writer(file).writerow([1, text_cell(user_id), "CODE"])
    cells = next(csv.reader(io.StringIO(file.getvalue()), delimiter=separator))
    assert not [cell for cell in cells if cell.startswith(tuple(FIRST))]


def test_control_without_the_apostrophe_a_semicolon_would_begin_a_formula() -> None:
    file = io.StringIO()
    csv.writer(file).writerow([1, "a;=1+1;b", "CODE"])
    assert "=1+1" in next(csv.reader(io.StringIO(file.getvalue()), delimiter=";"))
