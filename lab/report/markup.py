"""Pieces of HTML in two languages. Everything that was recorded goes through `escape`."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.texts import Text

LANGUAGES = ("en", "ko")
# Read aloud, and not seen.
HIDDEN = "visually-hidden"


def both(text: Text, tag: str = "span") -> str:
    """Return a text in both languages; the page shows the one that is chosen."""
    if text["en"] == text["ko"]:
        return escape(text["en"])
    return "".join(
        f'<{tag} lang="{language}">{escape(text[language])}</{tag}>' for language in LANGUAGES
    )


def link(text: Text, address: str) -> str:
    """Return a link in both languages; `{language}` in its address is the one that is chosen."""
    return "".join(
        f'<a lang="{one}" href="{escape(address.format(language=one))}">{escape(text[one])}</a>'
        for one in LANGUAGES
    )


def label(text: Text) -> str:
    """Return the attributes of a label that is read aloud; the script changes its language."""
    english, korean = escape(text["en"]), escape(text["ko"])
    return f'aria-label="{english}" data-en="{english}" data-ko="{korean}"'


def hidden(text: Text) -> str:
    """Return a text for screen readers."""
    return f'<span class="{HIDDEN}">{both(text)}</span>'
