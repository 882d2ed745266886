"""handlers/pages.py: the pages and their files, as responses."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.edge.http.web_files import WebFile, WebFiles
from handlers.routes import ROUTES
from tests.support.paths import ROOT
from tests.unit.conftest import ENVIRONMENT
from tests.unit.handlers.test_page_settings import OIDC

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "0123456789abcdef"
KNOWN = WebFiles(
    VERSION,
    {"shared/base.css": WebFile("text/css; charset=utf-8", "p { margin: 0 }")},
    {name: WebFile("text/html; charset=utf-8", name) for name in ("event", "console", "docs")}
    | {"sign_in": WebFile("text/html; charset=utf-8", "sign_in")},
)
PAGES = [
    ("GET /events/{id}", "event"),
    ("GET /console", "console"),
    ("GET /docs", "docs"),
    ("GET /signed-in", "sign_in"),
]
FILE = "GET /web/{version}/{folder}/{file}"
NOT_FOUND = (404, "NOT_FOUND")


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets up a service with these settings besides, "" for one that it does not have."""
    monkeypatch.setattr(WebFiles, "read", lambda: KNOWN)

    def give(**more: str) -> None:
        for name in {*ENVIRONMENT, *OIDC, *more}:
            monkeypatch.setenv(name, {**ENVIRONMENT, **more}.get(name, ""))
        wiring.reset()

    give()
    yield give
    wiring.reset()


def call(name: str, body: str | None = None, **path: str) -> dict[str, Any]:
    handlers = {f"{route.method} {route.path}": route.handler for route in ROUTES}
    method = name.split(maxsplit=1)[0]
    return handlers[name]({"httpMethod": method, "pathParameters": path, "body": body}, None)


def problem(response: dict[str, Any]) -> tuple[int, str]:
    return response["statusCode"], json.loads(response["body"])["code"]


@pytest.mark.parametrize(("name", "text"), PAGES)
def test_each_path_has_its_page_with_the_headers_of_a_page(
    set_up: Any, name: str, text: str
) -> None:
    response = call(name)
    headers = response["headers"]
    assert (response["statusCode"], response["body"]) == (200, text)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "public, max-age=60"
    assert "connect-src 'self';" in headers["Content-Security-Policy"]
    # The viewer of /docs writes HTML; it shows our own description only.
    assert ("require-trusted-types-for" in headers["Content-Security-Policy"]) == (text != "docs")


def test_the_event_page_is_the_same_whatever_its_path_says(set_up: Any) -> None:
    hostile = call("GET /events/{id}", id="<script>alert(1)</script>")
    assert hostile == call("GET /events/{id}", id="welcome")


def test_a_page_reaches_the_issuer_that_is_named(set_up: Any) -> None:
    set_up(**OIDC, AUTH_JWT_SECRET="")
    module_headers = call("GET /console")["headers"]
    assert "connect-src 'self' https://id.example.com;" in module_headers["Content-Security-Policy"]


def test_a_file_of_this_version_is_kept_and_of_another_it_is_not(set_up: Any) -> None:
    current = call(FILE, version=VERSION, folder="shared", file="base.css")
    assert (current["statusCode"], current["body"]) == (200, "p { margin: 0 }")
    assert current["headers"]["Content-Type"] == "text/css; charset=utf-8"
    assert current["headers"]["Cache-Control"] == "public, max-age=31536000, immutable"
    other = call(FILE, version="f" * 16, folder="shared", file="base.css")
    assert (other["statusCode"], other["body"]) == (200, "p { margin: 0 }")
    assert other["headers"]["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("version", "folder", "file"),
    [
        (VERSION, "shared", "none.css"),
        (VERSION, "shared", "../base.css"),
        (VERSION, "..", "app.py"),
        (VERSION, "shared/..", "shared/base.css"),
        (VERSION, "event", "index.html"),
        (VERSION, "shared", "base.css\0"),
        (VERSION, "SHARED", "base.css"),
        (VERSION, "", ""),
        ("VERSION", "shared", "base.css"),
        (VERSION.upper(), "shared", "base.css"),
        (VERSION + "\n", "shared", "base.css"),
        ("", "shared", "base.css"),
    ],
)
def test_any_other_name_is_nothing_and_is_not_repeated(
    set_up: Any, version: str, folder: str, file: str
) -> None:
    response = call(FILE, version=version, folder=folder, file=file)
    assert problem(response) == NOT_FOUND
    assert json.loads(response["body"])["detail"] == "There is nothing at this path."


def test_a_path_without_its_parts_is_nothing(set_up: Any) -> None:
    assert problem(call(FILE)) == NOT_FOUND


def config() -> Any:
    response = call("GET /web/config.json")
    assert response["headers"]["Cache-Control"] == "public, max-age=60"
    return json.loads(response["body"])


def test_the_pages_learn_how_people_sign_in(set_up: Any) -> None:
    assert config() == {"sign_in": {"kind": "development"}, "api": ""}
    set_up(**OIDC, AUTH_JWT_SECRET="")
    assert config()["sign_in"] == {
        "kind": "oidc",
        "issuer": "https://id.example.com/realms/shop",
        "client_id": "coupon-pages",
        "scope": "openid",
        "token": "access_token",
        "audience": "coupons",
        "scope_claims": ["scope", "scp", "permissions"],
    }
    set_up(**OIDC, AUTH_JWT_SECRET="", AUTH_SCOPE_CLAIM="cognito:groups")
    assert config()["sign_in"]["scope_claims"] == ["cognito:groups"]
    set_up(AUTH_JWKS_URL="https://id.example.com/keys", AUTH_JWT_SECRET="")
    assert config()["sign_in"] == {"kind": "none"}


def signed_in(**body: Any) -> dict[str, Any]:
    return call("POST /sign-in", json.dumps(body))


def test_in_development_anyone_gets_a_token_that_the_service_takes(set_up: Any) -> None:
    response = signed_in(user_id="42", scope="coupon:admin coupon:redeem")
    assert response["statusCode"] == 200
    assert response["headers"]["Cache-Control"] == "no-store"
    answer = json.loads(response["body"])
    assert answer["expires_in"] == 3600
    user = wiring.authenticator().authenticate({"authorization": f"Bearer {answer['token']}"})
    assert (user.id, user.scopes) == ("42", frozenset({"coupon:admin", "coupon:redeem"}))


def test_such_a_token_meets_the_rules_that_the_service_has_for_tokens(set_up: Any) -> None:
    set_up(
        AUTH_ISSUER="https://id.example.com",
        AUTH_AUDIENCE="coupons",
        AUTH_SCOPE_CLAIM="permissions",
        AUTH_MAX_LIFE_S="60",
    )
    answer = json.loads(signed_in(user_id="42", scope="coupon:admin")["body"])
    assert answer["expires_in"] == 60
    user = wiring.authenticator().require_admin({"authorization": f"Bearer {answer['token']}"})
    assert user.id == "42"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "two words"}, "user_id"),
        ({"user_id": "x" * 65}, "user_id"),
        ({"user_id": 42}, "user_id"),
        ({"user_id": "42", "scope": ["coupon:admin"]}, "scope"),
        ({"user_id": "42", "scope": "a  b"}, "scope"),
        ({"user_id": "42", "scope": " a"}, "scope"),
        ({"user_id": "42", "scope": 'a"b'}, "scope"),
        ({"user_id": "42", "scope": "x" * 257}, "scope"),
        ({"user_id": "42", "password": "s3cr3t"}, "body"),
    ],
)
def test_a_wrong_body_is_named_and_not_repeated(
    set_up: Any, body: dict[str, Any], named: str
) -> None:
    response = signed_in(**body)
    assert problem(response) == (400, "INVALID_REQUEST")
    assert json.loads(response["body"])["detail"].startswith(f"{named}: ")
    assert "s3cr3t" not in response["body"]


@pytest.mark.parametrize("body", ['{"user_id": "42"}', "no JSON", None])
@pytest.mark.parametrize(
    "settings",
    [
        {"STAGE": "prod", "INSECURE_ALLOWED": "development-secrets, redis-without-password, "
         "redis-tls, kafka-in-the-clear, database-tls, webhook-internal"},
        {"AUTH_JWKS_URL": "https://id.example.com/keys", "AUTH_JWT_SECRET": ""},
    ],
)  # fmt: skip
def test_in_any_other_stage_there_is_no_such_path_whatever_is_sent(
    set_up: Any, settings: dict[str, str], body: str | None
) -> None:
    set_up(**settings)
    response = call("POST /sign-in", body)
    assert problem(response) == NOT_FOUND
    assert json.loads(response["body"])["detail"] == "There is nothing at this path."


def test_no_program_pays_for_the_sign_in_of_development() -> None:
    probe = "import sys, app; print([n for n in sys.modules if n == 'jwt'])"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"
