"""A text of a stranger as a cell of a CSV file that a person may open in a spreadsheet.

A spreadsheet takes a cell that begins with = + - @ or with a control character for a formula, and
runs it with the rights of the person who opens the file. Where a country writes 0,5 it also splits
cells at a semicolon, which no quotes prevent. An apostrophe makes such a cell text.
"""

from __future__ import annotations

import re

# An id may itself begin with an apostrophe: it gets another one, so a reader removes one always.
APOSTROPHE_BEFORE = re.compile(r"\A(?=[=+\-@'\t\r\n\0])|(?<=;)")


def text_cell(text: str) -> str:
    """Return the text with an apostrophe before what could begin a formula.

    Without the first one, and the one behind each semicolon, the text is back, exactly.
    """
    return APOSTROPHE_BEFORE.sub("'", text)
