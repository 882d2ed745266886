"""The pages over real sockets, on the gateway and on `chalice local`: who gets what."""

from __future__ import annotations

import http.client
import json
import re
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import pytest

from handlers.edge.http.request import BODY_BYTES_MAX
from handlers.edge.http.web_files import CONTENT_TYPES, web_files
from handlers.pages import PAGES
from handlers.routes import ROUTES
from tests.e2e.conftest import chalice_local, gateway
from tests.support.gateway import ENVIRONMENT
from tests.support.programs import running
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

HOMES = {"gateway": gateway, "chalice local": chalice_local}
SHOP, FOREIGN = "https://shop.example.com", "https://shop.example.com.evil.example"
ALLOWING = {**ENVIRONMENT, "ALLOWED_ORIGINS": f"{SHOP}, http://localhost:3000"}
# With any other stage; a production that has taken over everything else of development.
ELSEWHERE = {
    **ENVIRONMENT,
    "STAGE": "prod",
    "INSECURE_ALLOWED": "development-secrets, redis-without-password, redis-tls, "
    "kafka-in-the-clear, database-tls, database-owner, webhook-internal",
}
PATHS = sorted({route.path for route in ROUTES})
READABLE = {"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module", params=HOMES)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A home whose answers the shop's pages may read."""
    with HOMES[request.param](ALLOWING) as client:
        yield client.port


@pytest.fixture(scope="module")
def closed_ports() -> Iterator[list[int]]:
    """Both homes without development and without allowed origins."""
    with ExitStack() as stack:
        yield [stack.enter_context(run(ELSEWHERE)).port for run in HOMES.values()]


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = json.dumps(body) if isinstance(body, dict) else body
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)) as connection:
        connection.request(method, path, sent, named)
        response = connection.getresponse()
        content = response.read()
        return response.status, {k.title(): v for k, v in response.getheaders()}, content


def cors(headers: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k.startswith("Access-Control-") or k == "Vary"}


def concrete(path: str) -> str:
    """Return a path of a template that leads to nothing."""
    return re.sub(r"\{\w+\}", "none", path)


@pytest.mark.parametrize("path", ["/events/welcome", "/console", "/docs", "/signed-in"])
def test_a_page_comes_with_its_policy_and_refers_to_this_version(port: int, path: str) -> None:
    status, headers, content = ask(port, "GET", path)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert headers["Cache-Control"] == "public, max-age=60"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert b"/web/VERSION/" not in content
    [head_status, head, nothing] = ask(port, "HEAD", path)
    assert (head_status, nothing) == (200, b"")
    assert int(head["Content-Length"]) == len(content)
    assert head["Content-Security-Policy"] == headers["Content-Security-Policy"]


def test_every_file_comes_as_it_is_with_its_type_and_is_kept_for_ever(port: int) -> None:
    assert web_files().files
    for name, file in web_files().files.items():
        status, headers, content = ask(port, "GET", f"/web/{web_files().version}/{name}")
        assert (status, content) == (200, file.text.encode())
        assert headers["Content-Type"] == CONTENT_TYPES[f".{name.rpartition('.')[2]}"]
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_every_file_that_a_page_names_is_there(port: int) -> None:
    for folder in PAGES.values():
        page = web_files().pages[folder].text
        for path in re.findall(r'"(/web/[^"]*)"', page):
            assert ask(port, "GET", path)[0] == 200, path


def test_a_file_of_another_version_is_the_present_one_and_is_not_kept(port: int) -> None:
    name = min(web_files().files)
    status, headers, content = ask(port, "GET", f"/web/0123456789abcdef/{name}")
    assert (status, content) == (200, web_files().files[name].text.encode())
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "shared/none.js",
        "event/index.html",
        "vendor/README.md",
        "../../app.py",
        "shared/%2e%2e/%2e%2e/app.py",
        "shared/..%2f..%2fapp.py",
        "%2e%2e/app.py",
        "shared/%00",
        "shared/%3Cscript%3E",
    ],
)
def test_what_is_no_file_of_the_pages_is_nothing_and_is_not_repeated(port: int, path: str) -> None:
    status, headers, content = ask(port, "GET", f"/web/{web_files().version}/{path}")
    assert (status, json.loads(content)["code"]) == (404, "NOT_FOUND")
    assert headers["Content-Type"] == "application/problem+json"
    assert b"app.py" not in content
    assert b"script" not in content


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_page_is_only_read(port: int, method: str) -> None:
    file = f"/web/{web_files().version}/{min(web_files().files)}"
    for path in ("/console", "/events/welcome", "/web/config.json", file):
        status, headers, _ = ask(port, method, path)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_in_development_anyone_signs_in_with_a_token_that_the_service_takes(port: int) -> None:
    assert json.loads(ask(port, "GET", "/web/config.json")[2]) == {
        "sign_in": {"kind": "development"},
        "api": "",
    }
    status, headers, content = ask(port, "POST", "/sign-in", {"user_id": "42"})
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    bearer = f"Bearer {json.loads(content)['token']}"
    # It is known who that is, and that it is no administrator.
    assert ask(port, "GET", "/failed-events", authorization=bearer)[0] == 403


def test_a_body_that_is_too_long_or_wrong_signs_nobody_in(port: int) -> None:
    status, _, content = ask(port, "POST", "/sign-in", "x" * (BODY_BYTES_MAX + 1))
    assert (status, json.loads(content)["code"]) == (413, "PAYLOAD_TOO_LARGE")
    status, _, content = ask(port, "POST", "/sign-in", {"user_id": "<script>alert(1)</script> "})
    assert (status, json.loads(content)["code"]) == (400, "INVALID_REQUEST")
    assert b"script" not in content


def test_in_any_other_stage_there_is_no_sign_in_of_our_own(closed_ports: list[int]) -> None:
    for port in closed_ports:
        status, _, content = ask(port, "POST", "/sign-in", {"user_id": "42"})
        assert (status, json.loads(content)["code"]) == (404, "NOT_FOUND")
        assert json.loads(ask(port, "GET", "/web/config.json")[2])["sign_in"] == {"kind": "none"}


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_of_every_path_names_its_methods(port: int, path: str) -> None:
    methods = {route.method for route in ROUTES if route.path == path}
    wanted = {"origin": SHOP, "access_control_request_method": "GET"}
    status, headers, content = ask(port, "OPTIONS", concrete(path), **wanted)
    assert (status, content) == (204, b"")
    named = set(headers["Access-Control-Allow-Methods"].split(", "))
    assert named == methods | ({"HEAD"} if "GET" in methods else set())
    assert headers["Access-Control-Allow-Origin"] == SHOP
    assert headers["Vary"] == "Origin"
    sent = set(headers["Access-Control-Allow-Headers"].split(", "))
    assert sent == {"Authorization", "Challenge-Solution", "Content-Type", "If-Match"}
    assert headers["Access-Control-Max-Age"] == "7200"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nothing", 404),
        ("PUT", "/health", 405),
        ("GET", "/failed-events", 401),
        ("POST", "/campaigns/none/apply", 401),
        ("POST", "/campaigns", 401),
        ("GET", "/campaigns/none", 503),
        ("GET", "/console", 200),
    ],
)
def test_an_origin_reads_every_answer_if_it_may_and_no_other_origin_does(
    port: int, method: str, path: str, status: int
) -> None:
    found, headers, _ = ask(port, method, path, origin=SHOP)
    assert (found, cors(headers)) == (
        status,
        {
            "Access-Control-Allow-Origin": SHOP,
            "Access-Control-Expose-Headers": "Date, ETag, Retry-After, x-amzn-RequestId",
            "Vary": "Origin",
        },
    )
    for origin in ({"origin": FOREIGN}, {"origin": "null"}, {"origin": SHOP.upper()}, {}):
        found, headers, _ = ask(port, method, path, **origin)
        # A cache keeps the answers apart, also those for callers without an origin.
        assert (found, cors(headers)) == (status, {"Vary": "Origin"})


def test_a_body_that_is_refused_unread_can_be_read_about(port: int) -> None:
    length = str(BODY_BYTES_MAX + 1)
    status, headers, _ = ask(port, "POST", "/campaigns", "", origin=SHOP, content_length=length)
    assert (status, headers["Access-Control-Allow-Origin"]) == (413, SHOP)


@pytest.mark.parametrize("origin", [FOREIGN, "null"])
def test_a_preflight_of_another_origin_is_a_method_that_is_not_there(
    port: int, origin: str
) -> None:
    wanted = {"origin": origin, "access_control_request_method": "POST"}
    status, headers, _ = ask(port, "OPTIONS", "/campaigns", **wanted)
    assert (status, headers["Allow"]) == (405, "GET, HEAD, POST")
    assert cors(headers) == {"Vary": "Origin"}


def test_without_allowed_origins_no_answer_says_anything_about_origins(
    closed_ports: list[int],
) -> None:
    wanted = {"origin": SHOP, "access_control_request_method": "GET"}
    for port in closed_ports:
        for method, path, status in (
            ("GET", "/health", 200),
            ("GET", "/nothing", 404),
            ("OPTIONS", "/health", 405),
        ):
            found, headers, _ = ask(port, method, path, **wanted)
            assert (found, cors(headers)) == (status, {})


@pytest.mark.parametrize("module", ["local.serve", "local.chalice_local"])
def test_a_wrong_origin_stops_the_start_of_either_home(module: str) -> None:
    wrong = {**ENVIRONMENT, "ALLOWED_ORIGINS": f"{SHOP} *"}
    with running(module, "--port", "0", environment=wrong) as program:
        assert program.wait() == 2
        assert "ALLOWED_ORIGINS: entry 2 is *" in "\n".join(program.err.seen)
