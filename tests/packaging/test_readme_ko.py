"""The Korean pages are the English ones in Korean: the same structure, code and links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.packaging.pages import CODE, FENCE, anchors, headings, links
from tests.support.paths import README, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KOREAN = ROOT / "README.ko.md"
PAIRS = [(README, KOREAN), (ROOT / "docs" / "lab.en.md", ROOT / "docs" / "lab.ko.md")]
in_pairs = pytest.mark.parametrize(("english", "korean"), PAIRS, ids=["readme", "lab"])
ENGLISH_TEXT = README.read_text(encoding="utf-8")
KOREAN_TEXT = KOREAN.read_text(encoding="utf-8")
COMMENT = re.compile(r"(^|\s+)#.*$", re.MULTILINE)
HANGUL = re.compile("[가-힣]")
LANGUAGE = re.compile(r"\.(en|ko)\.md$")


class PageStructure(NamedTuple):
    """What must be the same in both languages."""

    levels: list[int]  # of the headings
    blocks: list[str]  # of code, without comments
    names: set[str]  # in backticks
    links: list[str]  # sorted, as sentences differ in their order; a heading here by its number,
    # and a page that there is in both languages without its language
    rows: int  # of tables


def structure(text: str) -> PageStructure:
    """Return what a translation must not change."""
    numbers = {anchor: str(number) for number, anchor in enumerate(ordered_anchors(text))}
    targets = [LANGUAGE.sub(".md", target) for target in links(text)]
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


@in_pairs
def test_both_have_the_same_structure_code_and_links(english: Path, korean: Path) -> None:
    assert structure(korean.read_text(encoding="utf-8")) == structure(
        english.read_text(encoding="utf-8")
    )


@in_pairs
def test_each_links_to_the_other_at_its_top(english: Path, korean: Path) -> None:
    assert f"[한국어]({korean.name})" in top(english)
    assert f"[English]({english.name})" in top(korean)


def top(page: Path) -> str:
    return "".join(page.read_text(encoding="utf-8").splitlines()[:5])


@in_pairs
def test_the_text_is_korean(english: Path, korean: Path) -> None:
    assert english != korean
    text = FENCE.sub("", korean.read_text(encoding="utf-8"))
    # Not the lines of links, and not HTML.
    prose = [part for part in text.split("\n\n")[2:] if part.strip() and part[0] not in "[<"]
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
