"""README.ko.md is README.md in Korean: the same structure, code and links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.packaging.pages import CODE, FENCE, anchors, headings, links
from tests.support.paths import README, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

KOREAN = ROOT / "README.ko.md"
ENGLISH_TEXT = README.read_text(encoding="utf-8")
KOREAN_TEXT = KOREAN.read_text(encoding="utf-8")
COMMENT = re.compile(r"(^|\s+)#.*$", re.MULTILINE)
HANGUL = re.compile("[가-힣]")


class PageStructure(NamedTuple):
    """What must be the same in both languages."""

    levels: list[int]  # of the headings
    blocks: list[str]  # of code, without comments
    names: set[str]  # in backticks
    links: list[str]  # sorted, as sentences differ in their order; a heading here by its number
    rows: int  # of tables


def structure(text: str) -> PageStructure:
    """Return what a translation must not change."""
    numbers = {anchor: str(number) for number, anchor in enumerate(ordered_anchors(text))}
    targets = [target for target in links(text) if target not in {README.name, KOREAN.name}]
    return PageStructure(
        levels=[level for level, _ in headings(text)],
        blocks=[COMMENT.sub("", block[0]) for block in FENCE.finditer(text)],
        names=set(CODE.findall(FENCE.sub("", text))),
        links=sorted("#" + numbers[one[1:]] if one.startswith("#") else one for one in targets),
        rows=len(re.findall(r"^\|", text, re.MULTILINE)),
    )


def ordered_anchors(text: str) -> list[str]:
    """Return the anchor of each heading, in order."""
    return [next(iter(anchors(f"# {words}"))) for _, words in headings(text)]


def test_both_have_the_same_structure_code_and_links() -> None:
    assert structure(KOREAN_TEXT) == structure(ENGLISH_TEXT)


def test_each_links_to_the_other_at_its_top() -> None:
    assert f"[한국어]({KOREAN.name})" in "".join(ENGLISH_TEXT.splitlines()[:5])
    assert f"[English]({README.name})" in "".join(KOREAN_TEXT.splitlines()[:5])


def test_the_text_is_korean() -> None:
    prose = [
        part for part in FENCE.sub("", KOREAN_TEXT).split("\n\n")[2:] if not part.startswith("[")
    ]
    assert [part for part in prose if not HANGUL.search(part)] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n## ", "\n### ", 1),
        lambda text: text + "\n## More\n",
        lambda text: text.replace("make demo ", "make demos ", 1),
        lambda text: text.replace("localhost:8000/campaigns/welcome/stats", "localhost:8000"),
        lambda text: text.replace("](docs/deploy.md)", "](docs/operate.md)"),
        lambda text: text.replace("](#by-hand)", "](#in-containers)"),
        lambda text: text.replace("`coupon:admin`", "coupon:admin"),
        lambda text: re.sub(r"^\| \*\*.*\n", "", text, count=1, flags=re.MULTILINE),
    ],
    ids=["level", "heading", "command", "session", "link", "anchor", "name", "row"],
)
def test_control_a_change_of_one_language_alone_is_detected(change: Callable[[str], str]) -> None:
    changed = change(ENGLISH_TEXT)
    assert changed != ENGLISH_TEXT
    assert structure(changed) != structure(KOREAN_TEXT)


def test_control_a_translated_comment_is_not_a_difference() -> None:
    changed = ENGLISH_TEXT.replace("# every test, on real servers", "# 모든 테스트")
    assert changed != ENGLISH_TEXT
    assert structure(changed) == structure(ENGLISH_TEXT)
