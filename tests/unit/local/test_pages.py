"""python -m local.pages: the pages as files, with the headers that they need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from handlers.edge.http.web_files import web_files
from local import pages
from tests.unit.handlers.test_page_settings import OIDC

if TYPE_CHECKING:
    from pathlib import Path

API = "https://api.example.com/prod"
LOCAL = {"STAGE": "local", "AUTH_JWT_SECRET": "x" * 32}


def described(out: Path) -> dict[str, dict[str, Any]]:
    """Return what headers.json says, by path."""
    found = json.loads((out / "headers.json").read_text())["files"]
    return {file["path"]: file for file in found}


def test_every_page_and_every_file_is_written_with_its_headers(tmp_path: Path) -> None:
    out = tmp_path / "web"
    assert pages.main(["--out", str(out)], OIDC) == 0
    found = described(out)
    names = {f"/web/{web_files().version}/{name}" for name in web_files().files}
    fixed = {"/web/config.json", "/events/*", "/console", "/docs", "/signed-in"}
    assert found.keys() == names | fixed
    assert found["/events/*"]["file"] == "event.html"
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert written == {file["file"] for file in found.values()} | {"headers.json"}
    for path, file in found.items():
        assert file["headers"]["Content-Type"], path
        kept = "immutable" in file["headers"]["Cache-Control"]
        assert kept == (path in names), path
    page = (out / "event.html").read_text()
    assert page == web_files().pages["event"].text


def test_pages_of_another_origin_know_the_service_and_may_reach_it(tmp_path: Path) -> None:
    out = tmp_path / "web"
    assert pages.main(["--out", str(out), "--api", f"{API}/"], OIDC) == 0
    config = json.loads((out / "web" / "config.json").read_text())
    assert config["api"] == API
    assert config["sign_in"]["issuer"] == OIDC["AUTH_ISSUER"]
    policy = described(out)["/console"]["headers"]["Content-Security-Policy"]
    assert "connect-src 'self' https://id.example.com https://api.example.com;" in policy


def test_pages_of_the_services_own_origin_name_no_other(tmp_path: Path) -> None:
    out = tmp_path / "web"
    assert pages.main(["--out", str(out)], {}) == 0
    assert json.loads((out / "web" / "config.json").read_text()) == {
        "sign_in": {"kind": "none"},
        "api": "",
    }
    assert "connect-src 'self';" in described(out)["/docs"]["headers"]["Content-Security-Policy"]


def test_the_program_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "web"
    assert pages.main(["--out", str(out)], LOCAL) == 0
    line = capsys.readouterr().out
    assert f"version {web_files().version}, sign-in: development" in line


def test_a_run_replaces_what_an_earlier_run_wrote(tmp_path: Path) -> None:
    out = tmp_path / "web"
    assert pages.main(["--out", str(out)], {}) == 0
    (out / "old.html").write_text("of an earlier version")
    assert pages.main(["--out", str(out)], {}) == 0
    assert not (out / "old.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["web"]


def test_a_folder_of_something_else_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    assert pages.main(["--out", str(tmp_path)], {}) == 1
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "letter.txt").read_text() == "mine"
    assert pages.main(["--out", str(tmp_path / "letter.txt")], {}) == 1
    assert pages.main(["--out", str(tmp_path / "letter.txt" / "web")], {}) == 1
    assert (tmp_path / "letter.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (["--api", "api.example.com"], {}, "--api must look like"),
        (["--api", "https://u:p@api.example.com"], {}, "--api must look like"),
        (["--api", "https://api.example.com?x=1"], {}, "--api must look like"),
        (["--api", "https://API.example.com"], {}, "--api: its origin is no origin"),
        (["--api", "http://api.example.com"], {}, "STAGE is not local"),
        ([], {"OIDC_CLIENT_ID": "pages"}, "OIDC_CLIENT_ID needs AUTH_ISSUER"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    environment: dict[str, str],
    named: str,
) -> None:
    out = tmp_path / "web"
    assert pages.main(["--out", str(out), *arguments], environment) == 2
    assert named in capsys.readouterr().err
    assert not out.exists()


def test_in_development_the_service_may_be_without_tls(tmp_path: Path) -> None:
    out = tmp_path / "web"
    assert pages.main(["--out", str(out), "--api", "http://127.0.0.1:8000"], LOCAL) == 0
    assert json.loads((out / "web" / "config.json").read_text())["api"] == "http://127.0.0.1:8000"
