"""The page as a whole, made from records that were written by hand."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from lab.judge.promises import PROMISES
from lab.playground.page import PAGE as PLAYGROUND
from lab.report import words
from lab.report.__main__ import main
from lab.report.page import ASSETS, page
from tests.support.lab_records import event, promise, record

if TYPE_CHECKING:
    from pathlib import Path

ALL = [record(number) for number in range(1, 10)]
RUNS = {"all": ALL, "one": [record(4)], "mine": [record(0)], "all and mine": [*ALL, record(0)]}
VOID = {"meta", "link", "wbr", "input", "rect", "line", "path", "circle"}


class Elements(HTMLParser):
    """Collects the elements, and checks that each is closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def all(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.found if attribute in attrs]


@pytest.mark.parametrize("records", RUNS.values(), ids=RUNS)
def test_every_run_gives_a_whole_page_in_both_languages(records: list[dict[str, Any]]) -> None:
    elements = Elements(page(records))
    assert elements.open == []
    languages = elements.all("lang")
    assert languages.count("en") - 1 == languages.count("ko") > 50  # the page itself begins in en
    assert len(elements.all("data-en")) == len(elements.all("data-ko")) > 10
    assert all(elements.all("data-en"))
    assert all(elements.all("data-ko"))


def test_every_sentence_is_shown_in_some_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()

    class Asked(dict[str, tuple[str, str]]):
        def __getitem__(self, key: str) -> tuple[str, str]:
            asked.add(key)
            return super().__getitem__(key)

    monkeypatch.setattr(words, "WORDS", Asked(words.WORDS))
    near = {"promise": "quota", "state": "broken", "seen": {"en": "seen", "ko": "봄"}}
    many = [event(number, "app 1", "Redis", "GET x") for number in range(50)]
    long = promise("quota", "broken")
    long["people"][0] = long["people"][0] | {"timeline": many}
    others = [promise(name, "none" if name == "kafka" else "kept") for name in PROMISES[1:]]
    page([*ALL, record(0, promises=[long, *others], without_distance=near)])
    page([record(2, breaks=[])])
    assert set(words.WORDS) - asked == set()


@pytest.mark.parametrize("records", RUNS.values(), ids=RUNS)
def test_the_page_needs_nothing_but_itself(records: list[dict[str, Any]]) -> None:
    elements = Elements(page(records))
    assert elements.all("src") == []
    files = {href.partition("#")[0] for href in elements.all("href")}
    assert files == {"", "data:,", PLAYGROUND}
    assert not re.search(r"https?:|url\(|@import|fetch\(", page(records))


@pytest.mark.parametrize("records", RUNS.values(), ids=RUNS)
def test_every_link_leads_to_a_place_and_no_place_is_there_twice(
    records: list[dict[str, Any]],
) -> None:
    elements = Elements(page(records))
    places = elements.all("id")
    assert len(places) == len(set(places))
    linked = {href[1:] for href in elements.all("href") if href.startswith("#")}
    assert linked <= set(places)


def test_the_stages_that_the_playground_has_lead_there_in_the_language_of_the_page() -> None:
    found = [href for href in Elements(page(ALL)).all("href") if href.startswith(PLAYGROUND)]
    general = [f"{PLAYGROUND}#lang={language}" for language in ("en", "ko")]
    assert found == general + [
        f"{PLAYGROUND}#stage={number}&lang={language}"
        for number in range(4, 10)
        for language in ("en", "ko")
    ]


def test_the_table_has_a_cell_for_each_promise_and_stage() -> None:
    markup = page(RUNS["all and mine"])
    assert markup.count("<td ") == len(PROMISES) * 10
    assert markup.count('role="rowheader"') == len(PROMISES)
    assert "<caption>" in markup
    assert "<b>111</b><i>/100</i>" in markup
    assert "<b>3</b><i>/4</i><i>+2</i>" in markup
    assert 'aria-label="broken: 111 coupons of 100"' in markup


def test_a_single_stage_has_whole_sentences_in_its_cells() -> None:
    assert '<b><span lang="en">3 of 4 barred, 2 coupons nobody&#x27;s</span>' in page([record(4)])


def test_a_server_that_a_stage_does_not_use_has_a_dash() -> None:
    promises = [promise(name, "none" if name == "kafka" else "kept") for name in PROMISES]
    none = [each | {"counts": {}} if each["state"] == "none" else each for each in promises]
    markup = page([record(1, promises=none, breaks=[])])
    assert markup.count('class="none"') == 1
    assert "Every promise was kept." in markup


def test_figures_that_compare_stages_wait_for_those_stages() -> None:
    assert "What MySQL had to do" in page(ALL)
    assert "A row lock against INCR" in page(ALL)
    assert "The figures compare stages 2, 3 and 5" not in page(ALL)
    assert "What MySQL had to do" not in page([record(4)])
    assert "The figures compare stages 2, 3 and 5" in page([record(4)])


def test_a_text_of_the_reader_is_text() -> None:
    hostile = '"><script>alert(1)</script><b lang="en">'
    said = {"en": hostile, "ko": hostile}
    broken = promise("quota", "broken") | {"seen": said}
    broken["people"] = [person | {"what": said} for person in broken["people"]]
    others = [promise(name, "kept") for name in PROMISES if name != "quota"]
    source = f"TABLES = []  # {hostile}\n"
    markup = page([record(0, title=said, file=hostile, source=source, promises=[broken, *others])])
    assert markup.count("<script") == 1
    assert '<b lang="en">' not in markup
    assert Elements(markup).open == []


def test_a_run_that_differs_from_the_stages_page_says_so() -> None:
    assert "differs from the stage's page: Everybody gets an answer" in page(
        [record(2, breaks=["one_each", "mysql_pause"])]
    ).replace("&#x27;", "'")
    assert "differs from" not in page([record(0, breaks=[])])
    assert "differs from" not in page(
        [record(2, breaks=["one_each", "mysql_pause"], either=["answered"])]
    )


def test_a_race_without_the_distance_is_shown() -> None:
    seen = {"en": "109 coupons of 100", "ko": "쿠폰 100장 중 109장"}
    near = {"promise": "quota", "state": "broken", "seen": seen}
    assert "0 ms away: 109 coupons of 100." in page([record(1, without_distance=near)])


def test_the_program_writes_the_page_beside_the_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path)]) == 1
    assert "nothing is recorded" in capsys.readouterr().err
    (tmp_path / "3.json").write_text(json.dumps(record(3)), encoding="utf-8")
    assert main(["--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'index.html'}\n"
    assert (tmp_path / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert 'href="index.html"' in (tmp_path / PLAYGROUND).read_text(encoding="utf-8")


def schemes() -> list[dict[str, str]]:
    css = (ASSETS / "style.css").read_text("utf-8")
    light, _, rest = css.partition("@media screen and (prefers-color")
    colours = re.compile(r"--([a-z-]+): (#[0-9a-f]{6})")
    return [dict(colours.findall(light)), dict(colours.findall(rest))]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", schemes(), ids=["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme: dict[str, str]) -> None:
    tokens = ("ink", "keyword", "string", "comment", "number", "name")
    pairs = [
        (text, page) for text in ("ink", "soft", "accent", "bad") for page in ("paper", "card")
    ]
    pairs += [("bad", "bad-soft"), ("good", "good-soft"), ("paper", "accent"), ("paper", "ink")]
    pairs += [(text, "accent-soft") for text in ("ink", "accent", "bad", "soft")]
    pairs += [(text, page) for text in tokens for page in ("code", "added", "removed")]
    pairs += [("good", "added"), ("bad", "removed"), ("soft", "code")]
    for text, behind in pairs:
        light, dark = sorted((luminance(scheme[text]), luminance(scheme[behind])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, behind)
