"""handlers/edge/http/page_headers.py: what a browser may do with a page."""

from __future__ import annotations

import pytest

from handlers.edge.http.page_headers import file_headers, page_headers

ISSUER = "https://id.example.com"


def directives(policy: str) -> dict[str, str]:
    return dict(part.strip().partition(" ")[::2] for part in policy.split(";"))


@pytest.mark.parametrize("trusted_types", [True, False])
def test_a_page_runs_its_own_scripts_only_and_reaches_what_is_named_only(
    trusted_types: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    headers = page_headers([ISSUER], trusted_types=trusted_types)
    found = directives(headers["Content-Security-Policy"])
    trusted = {"require-trusted-types-for": "'script'", "trusted-types": "seonchak"}
    assert found == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self' {ISSUER}",
        "worker-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    } | (trusted if trusted_types else {})
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_a_page_is_kept_for_a_minute_and_stays_alone_in_its_window() -> None:
    headers = page_headers([], trusted_types=True)
    assert headers["Cache-Control"] == "public, max-age=60"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_a_file_is_kept_for_ever_under_its_own_version_only() -> None:
    current, other = (file_headers([ISSUER], is_current=it) for it in (True, False))
    assert current["Cache-Control"] == "public, max-age=31536000, immutable"
    assert other["Cache-Control"] == "no-store"
    assert current["X-Content-Type-Options"] == other["X-Content-Type-Options"] == "nosniff"
    # A worker has the policy of its own file.
    assert directives(current["Content-Security-Policy"]) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "connect-src": f"'self' {ISSUER}",
    }
