"""infra/cost/prices.toml and docs/scale.md: every number has a source, and the page is current."""

from __future__ import annotations

import re
import shlex
from datetime import date

import pytest

from infra.cost import sources
from infra.cost.__main__ import main
from infra.cost.catalogue import FILE, catalogue, regions, sizes
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```console\n\$ python -m infra\.cost (.*)\n((?s:.*?))```", PAGE)


@pytest.mark.parametrize("region", regions())
@pytest.mark.parametrize("size", sizes())
def test_every_price_and_limit_says_where_it_was_read_and_when(region: str, size: str) -> None:
    numbers = catalogue(region, size)
    for entry in [*numbers.prices.values(), *numbers.limits.values()]:
        assert entry.value > 0, entry.what
        assert isinstance(entry.seen, date), entry.what
        assert (
            "https://" in entry.source
            or "npm package" in entry.source
            or (entry.is_from_memory and "check" in entry.source)
        ), entry.what


def test_every_price_names_the_page_to_check_it_on() -> None:
    text = FILE.read_text(encoding="utf-8")
    pages = re.findall(r'^check = "https://aws\.amazon\.com/', text, re.MULTILINE)
    assert len(pages) == len(catalogue(regions()[0], sizes()[0]).prices)


def test_the_page_shows_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize(("arguments", "shown"), EXAMPLES)
def test_the_commands_of_the_page_print_what_it_shows(
    arguments: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(shlex.split(arguments)) == 0
    assert capsys.readouterr().out == shown


def test_the_page_has_every_price_and_limit() -> None:
    assert "\n".join(sources.prices()) in PAGE
    assert "\n".join(sources.limits()) in PAGE
