"""The code of a stage and what is new in it."""

from __future__ import annotations

import html
import re

import pytest

from lab.catalogue import STAGES, Stage
from lab.report.code import code, difference, highlighted, stage_before
from tests.support.lab_records import record

OLD = "import a\n\n\ndef apply():\n    return 1\n"
NEW = "import a\nimport b\n\n\ndef apply():\n    return 2\n"


def plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", markup))


def test_the_difference_has_every_line_of_both_files_in_order() -> None:
    lines = list(difference(OLD, NEW))
    shown = [(line.kind, line.number, plain(line.html)) for line in lines]
    assert shown == [
        ("same", 1, "import a"),
        ("added", 2, "import b"),
        ("same", 3, ""),
        ("same", 4, ""),
        ("same", 5, "def apply():"),
        ("removed", None, "    return 1"),
        ("added", 6, "    return 2"),
    ]


@pytest.mark.parametrize("before", STAGES[:-1], ids=lambda stage: stage.file.stem)
def test_both_stages_can_be_read_from_their_difference(before: Stage) -> None:
    old, new = (stage.file.read_text("utf-8") for stage in STAGES[before.number - 1 :][:2])
    lines = list(difference(old, new))
    kept = [plain(line.html) for line in lines if line.kind != "removed"]
    given = [plain(line.html) for line in lines if line.kind != "added"]
    assert (kept, given) == (new.splitlines(), old.splitlines())


@pytest.mark.parametrize(
    "source",
    [
        'x = "<script>alert(1)</script>" & y\n',
        'TEXT = """\none\n<b>\n"""\n',
        "\n\nx = 1\n\n\n",
        "x = 1\x0cy = 2\u2028z = '<b>'\n",
        "def (:\n  <b>\n",
        "",
    ],
)
def test_code_of_any_kind_is_escaped_line_by_line(source: str) -> None:
    lines = highlighted(source)
    assert [plain(line) for line in lines] == source.splitlines()
    assert "<script" not in "".join(lines)
    assert "<b>" not in "".join(lines)
    assert all(line.count("<span") == line.count("</span>") for line in lines)


def test_the_first_stage_is_compared_with_nothing() -> None:
    assert stage_before(record(1)) is None
    assert "added" not in code(record(1))


def test_a_stage_is_compared_with_the_one_before_although_that_is_not_recorded() -> None:
    before = stage_before(record(4))
    assert before
    assert before[0] == "stage3_incr.py"
    assert '<span class="sign">+</span>' in code(record(4))


def test_the_readers_stage_is_compared_with_the_nearest() -> None:
    source = STAGES[6].file.read_text("utf-8").replace("pending", "waiting")
    before = stage_before(record(0, source=source))
    assert before
    assert before[0] == "stage7_script.py"
