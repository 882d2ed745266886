"""The file with which a reader begins: a stage, and how to judge it."""

from __future__ import annotations

from lab.catalogue import STAGES

HEAD = """\
# Your own stage, from stage {number}. Judge it:   make lab MINE=my_stage.py
#
# apply(user_id) returns "accepted", "sold out", "already applied" or "try again".
# consume(records) gets records of the topic coupon_create: record.value is what you sent.
# every_second() is called once a second, if you write one. TABLES are created before each test.
"""


def starter(number: int) -> str:
    """Return the text of the file."""
    source = STAGES[number - 1].file.read_text(encoding="utf-8")
    return HEAD.format(number=number) + source
