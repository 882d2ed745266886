"""Names of campaigns: any text that people write, the same on every version of Python."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from handlers.domain.campaign_name import NAME_LENGTH_MAX, campaign_name
from handlers.domain.errors import InvalidRequestError

WRITTEN = {
    "Hangul": "선착순 쿠폰 100장",
    "emoji joined to a family": "👨\u200d👩\u200d👧\u200d👦 family day",
    "emoji with a variation selector and a skin colour": "❤\ufe0f 👍🏽",
    "flag of Scotland, spelt in tags": "🏴" + "".join(chr(0xE0000 + b) for b in b"gbsct\x7f"),
    "no-break space, as the French write": "Soldes\u202f: 50\xa0%",
    "ideographic space": "夏祭り\u3000クーポン",
    "Persian with a zero-width non-joiner": "می\u200cرویم",
    "Hebrew with a mark that keeps the sign on its side": "מבצע C++\u200e",
    "decomposed letters": "e\u0301te\u0301",
    "an emoji of Unicode 16, which Python 3.13 does not know": "\U0001fae9",
    "a letter that no version knows yet": "\U0003abcd",
    "private use": "\ue000",
    "soft hyphen in a word": "Gut\xadschein",
}
EXCLUDED = {
    *range(0x20),
    *range(0x7F, 0xA0),
    *(0x2028, 0x2029),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
    *range(0xFDD0, 0xFDF0),
    *(plane | code for plane in range(0, sys.maxunicode, 0x10000) for code in (0xFFFE, 0xFFFF)),
}


@pytest.mark.parametrize("name", WRITTEN.values(), ids=WRITTEN.keys())
def test_any_text_that_people_write_is_a_name_and_stays_as_it_is(name: str) -> None:
    assert campaign_name(name) == name


def test_exactly_the_listed_characters_are_excluded_and_each_is_named() -> None:
    refused = {}
    for code in range(sys.maxunicode + 1):
        try:
            campaign_name(f"a{chr(code)}b")
        except InvalidRequestError as error:
            refused[code] = str(error)
    assert refused.keys() == EXCLUDED
    assert len(refused) == 65 + 2 + 5 + 4 + 2048 + 66
    for code, text in refused.items():
        assert text == f"name: must not contain the character U+{code:04X}"


def test_control_a_rule_by_pythons_tables_would_refuse_what_people_write() -> None:
    refused = [what for what, name in WRITTEN.items() if not name.isprintable()]
    assert len(refused) >= 8


@pytest.mark.parametrize(
    "blank",
    [" ", "\xa0", "\u3000", "\u2003 \u202f", "\u200b", "\u200d\u200c", "\ufeff", "\u200f ", "\xad"],
    ids=ascii,
)
def test_white_space_alone_is_no_name(blank: str) -> None:
    with pytest.raises(InvalidRequestError, match="white space only"):
        campaign_name(blank)
    assert campaign_name(f"{blank}a{blank}") == f"{blank}a{blank}"


def test_every_space_of_unicode_is_in_the_list() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) == "Zs":
            with pytest.raises(InvalidRequestError, match="white space only"):
                campaign_name(chr(code))


def test_the_length_is_counted_in_code_points_as_mysql_does() -> None:
    assert campaign_name("🎟" * NAME_LENGTH_MAX)
    with pytest.raises(InvalidRequestError, match=f"1 to {NAME_LENGTH_MAX}"):
        campaign_name("a" * (NAME_LENGTH_MAX + 1))


@pytest.mark.parametrize("value", [None, "", 1, True, [], {}, b"bytes"])
def test_anything_but_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequestError, match="name: must be text of 1 to 200"):
        campaign_name(value)
