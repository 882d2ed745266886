"""handlers/edge/http/web_files.py: which files there are, and what their version depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers.edge.http.web_files import PLACEHOLDER, WEB, WebFiles, web_files
from handlers.pages import PAGES
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def web(tmp_path: Path) -> Path:
    for name, text in {
        "event/index.html": f'<script type="module" src="{PLACEHOLDER}event/event.js"></script>',
        "event/event.js": "import '../shared/api.js';\r\n",
        "event/event.css": "p { color: red }",
        "shared/api.js": "export {};",
        "shared/icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "shared/words.json": "{}",
        "vendor/README.md": "from elsewhere",
        "vendor/deep/secret.js": "",
        "top.js": "",
        "event/.env": "SECRET=1",
    }.items():
        file = tmp_path / "web" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return tmp_path / "web"


def test_text_files_one_folder_deep_are_there_and_nothing_else(web: Path) -> None:
    known = WebFiles.read(web)
    assert {name: file.content_type for name, file in known.files.items()} == {
        "event/event.css": "text/css; charset=utf-8",
        "event/event.js": "text/javascript; charset=utf-8",
        "shared/api.js": "text/javascript; charset=utf-8",
        "shared/icon.svg": "image/svg+xml",
        "shared/words.json": "application/json",
    }
    assert list(known.pages) == ["event"]


def test_a_text_is_what_is_on_disk_byte_for_byte(web: Path) -> None:
    known = WebFiles.read(web)
    assert known.files["event/event.js"].text.encode() == (web / "event/event.js").read_bytes()


def test_a_page_refers_to_its_files_by_their_version(web: Path) -> None:
    known = WebFiles.read(web)
    assert f'src="/web/{known.version}/event/event.js"' in known.pages["event"].text
    assert "VERSION" not in known.pages["event"].text


def test_another_byte_or_another_name_is_another_version(web: Path) -> None:
    versions = [WebFiles.read(web).version]
    (web / "event/event.css").write_text("p { color: blue }")
    versions.append(WebFiles.read(web).version)
    (web / "event/event.css").rename(web / "event/other.css")
    versions.append(WebFiles.read(web).version)
    # A byte that moves from one file into the next.
    (web / "shared/api.js").write_text("export {}")
    (web / "shared/icon.svg").write_text(";<svg xmlns='http://www.w3.org/2000/svg'/>")
    versions.append(WebFiles.read(web).version)
    assert len(set(versions)) == len(versions)
    assert all(len(version) == 16 and int(version, 16) >= 0 for version in versions)


def test_what_is_not_served_makes_no_other_version(web: Path) -> None:
    before = WebFiles.read(web).version
    (web / "vendor/README.md").write_text("from somewhere else")
    assert WebFiles.read(web).version == before


def test_a_file_that_is_no_text_stops_the_reading(web: Path) -> None:
    (web / "event/event.js").write_bytes(b"\xff\xfe")
    with pytest.raises(UnicodeDecodeError):
        WebFiles.read(web)


def test_the_repository_has_the_page_of_every_route() -> None:
    assert WEB == ROOT / "web"
    assert set(PAGES.values()) <= set(web_files().pages)


def test_the_link_for_the_package_leads_to_the_pages() -> None:
    link = ROOT / "vendor" / "web"
    assert link.is_symlink()
    assert str(link.readlink()) == "../web"
