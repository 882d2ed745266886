"""The files of web/: read once, and known by their names alone, so no path leads elsewhere.

The version is a part of every address, so a browser may keep a file for ever. An HTML page has
`/web/VERSION/` where the version belongs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.once import once

if TYPE_CHECKING:
    from collections.abc import Mapping

# Beside handlers/, here as in the package.
WEB = Path(__file__).resolve().parents[3] / "web"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
HTML = "text/html; charset=utf-8"
PAGE = "index.html"
PLACEHOLDER = "/web/VERSION/"
VERSION_DIGITS = 16


@dataclass(frozen=True, slots=True)
class WebFile:
    """A text with its content type."""

    content_type: str
    text: str


@dataclass(frozen=True, slots=True)
class WebFiles:
    """version: of all files together. files: by `folder/name`. pages: by folder."""

    version: str
    files: Mapping[str, WebFile]
    pages: Mapping[str, WebFile]

    @classmethod
    def read(cls, root: Path = WEB) -> WebFiles:
        """Read every text file one folder below `root`; raise OSError or UnicodeDecodeError."""
        suffixes = {*CONTENT_TYPES, Path(PAGE).suffix}
        found = sorted(path for path in root.glob("*/*") if path.suffix in suffixes)
        texts = {path.relative_to(root).as_posix(): _text(path) for path in found}
        version = _version(texts)
        pages = {
            path.parent.name: WebFile(HTML, _page(texts[f"{path.parent.name}/{PAGE}"], version))
            for path in found
            if path.name == PAGE
        }
        files = {
            name: WebFile(CONTENT_TYPES[suffix], text)
            for name, text in texts.items()
            if (suffix := Path(name).suffix) in CONTENT_TYPES
        }
        return cls(version, files, pages)


@once
def web_files() -> WebFiles:
    """Return the files of this process."""
    return WebFiles.read()


def _text(path: Path) -> str:
    # Not read_text, which would change the ends of lines, and so the hash.
    return path.read_bytes().decode()


def _version(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        for part in (name.encode(), text.encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:VERSION_DIGITS]


def _page(text: str, version: str) -> str:
    return text.replace(PLACEHOLDER, f"/web/{version}/")
