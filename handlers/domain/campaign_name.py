"""The name of a campaign: any text that people write.

The excluded characters are listed one by one. A rule by categories, as str.isprintable, asks the
Unicode tables of the Python that runs: they lack each year's new emoji, and a name would be
accepted by one version and refused by another.
"""

from __future__ import annotations

import re

from handlers.domain.errors import InvalidRequestError

NAME_LENGTH_MAX = 200  # code points, as MySQL counts in VARCHAR(200) of utf8mb4

_LAST_TWO_OF_EACH_PLANE = "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
# Not excluded: U+200E, U+200F and U+061C, the marks that put punctuation on the right side of a
# Hebrew or Arabic word. They cannot reverse letters, and nothing after their neighbour changes.
_EXCLUDED = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # controls: C0, DEL, C1
    "\u2028\u2029"  # line and paragraph separator: a name is one line
    "\u202a-\u202e\u2066-\u2069"  # bidi embeddings, overrides, isolates: they reorder a whole page
    "\ud800-\udfff"  # surrogates: JSON can hold a lone one, UTF-8 cannot
    f"\ufdd0-\ufdef{_LAST_TWO_OF_EACH_PLANE}"  # noncharacters: Unicode never makes them characters
    "]"
)
# Unicode's White_Space as far as it is not excluded above, and characters without a width.
_BLANK = re.compile(
    "[ \xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
    "\xad\u061c\u200b-\u200f\u2060\ufeff]*"  # soft hyphen, marks, joiners, zero-width spaces
)


def campaign_name(value: object) -> str:
    """Return `value` as a name, or raise InvalidRequestError that says what is wrong."""
    return one_line("name", value)


def one_line(field: str, value: object) -> str:
    """Return the value of `field` as text like a name; raise InvalidRequestError naming it."""
    if not isinstance(value, str) or not 0 < len(value) <= NAME_LENGTH_MAX:
        message = f"{field}: must be text of 1 to {NAME_LENGTH_MAX} characters"
        raise InvalidRequestError(message)
    if excluded := _EXCLUDED.search(value):
        message = f"{field}: must not contain the character U+{ord(excluded[0]):04X}"
        raise InvalidRequestError(message)
    if _BLANK.fullmatch(value):
        message = f"{field}: must not be white space only"
        raise InvalidRequestError(message)
    return value
