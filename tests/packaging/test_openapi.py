"""docs/openapi.json is what the routes say, and names every error that a handler can raise."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from handlers.api.document import operations
from handlers.api.problems import codes_of
from handlers.routes import ROUTES
from local import openapi
from tests.packaging.raised import Source
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.routes import Route

FILE = ROOT / "docs" / "openapi.json"
# They build clients or run at a start, and raise no error of a request but UNAVAILABLE.
NOT_OF_A_REQUEST = (
    "handlers.adapters.aws",
    "handlers.adapters.migration",
    "handlers.adapters.open_telemetry",
    "handlers.api",
    "handlers.config",
    "handlers.operations",
    "handlers.wiring",
)
# The event's base64 is API Gateway's own: no client can make it malformed.
OF_A_FORGED_EVENT = "INVALID_REQUEST"
# What is found because two methods have one name, by call.
OF_OTHER_PAGES = {"CAMPAIGN_NOT_FOUND", "DELIVERY_NOT_FOUND", "WEBHOOK_NOT_FOUND"}
OF_WEBHOOKS = {"TOO_MANY_WEBHOOKS", "WEBHOOK_NOT_FOUND"}
NAMESAKES = {
    # RedisCampaigns.open asks for a status, and makes StaleStateError of CAMPAIGN_NOT_FOUND. Only
    # a change that is being noted is refused with ALREADY_OPENED, not one that is completed.
    "POST /campaigns": {"CAMPAIGN_NOT_FOUND", "ALREADY_OPENED"},
    "POST /campaigns/{id}/archive": {"ALREADY_OPENED"},
    # Other classes have methods of the same names; where Redis has no such campaign, there is
    # nothing to erase in it.
    "DELETE /users/{user_id}": {"CAMPAIGN_NOT_FOUND"},
    # Lists have a method `page`.
    "GET /campaigns": OF_OTHER_PAGES,
    "GET /campaigns/{id}/coupons": OF_OTHER_PAGES - {"CAMPAIGN_NOT_FOUND"},
    "GET /campaigns/{id}/events": OF_OTHER_PAGES - {"CAMPAIGN_NOT_FOUND"},
    "GET /webhooks": OF_OTHER_PAGES,
    "GET /webhooks/{webhook}/deliveries": {"CAMPAIGN_NOT_FOUND"},
    # Coupons and webhooks have a method `change`, and all webhooks are read by the same function.
    "POST /coupons/{code}/reservations": OF_WEBHOOKS,
    "DELETE /coupons/{code}/reservations/{order_id}": OF_WEBHOOKS,
    "POST /coupons/{code}/redemptions": OF_WEBHOOKS,
    # A redemption of this very order is taken back, before `release` could refuse to.
    "DELETE /coupons/{code}/redemptions/{order_id}": OF_WEBHOOKS | {"ALREADY_USED"},
    "POST /webhooks": {"WEBHOOK_NOT_FOUND"},
    "PATCH /webhooks/{webhook}": {"COUPON_NOT_FOUND"},
}
SOURCE = Source(*NOT_OF_A_REQUEST)


def named(route: Route) -> set[str]:
    operation = operations()[f"{route.method} {route.path}"]
    return {code for codes in codes_of(operation).values() for code in codes}


def found(route: Route) -> set[str]:
    return SOURCE.codes(route.handler.__module__, route.handler.__name__)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_handler_raises_no_code_that_its_description_does_not_name(route: Route) -> None:
    allowed = named(route) | NAMESAKES.get(f"{route.method} {route.path}", set())
    assert found(route) - {OF_A_FORGED_EVENT} - allowed == set()


def test_control_the_source_shows_the_codes_of_each_layer() -> None:
    apply, create, coupon = (
        found(next(route for route in ROUTES if f"{route.method} {route.path}" == call))
        for call in ("POST /campaigns/{id}/apply", "POST /campaigns", "GET /campaigns/{id}/coupon")
    )
    # Of the handler, the edge, the domain, an adapter, and of Redis's decision.
    assert {"UNAVAILABLE", "UNAUTHENTICATED", "CHALLENGE_FAILED", "SOLD_OUT"} <= apply
    assert {"CAMPAIGN_EXISTS", "FORBIDDEN", "INVALID_REQUEST"} <= create
    assert {"NOT_APPLIED", "CAMPAIGN_NOT_FOUND"} <= coupon
    assert "SOLD_OUT" not in coupon


def test_control_the_source_shows_the_codes_of_tables_and_of_what_the_domain_asks_for() -> None:
    change, reserve = (
        found(next(route for route in ROUTES if f"{route.method} {route.path}" == call))
        for call in ("PATCH /campaigns/{id}", "POST /coupons/{code}/reservations")
    )
    # Through a port of the domain: from a table of Redis's replies, and by a maker of the class.
    assert {"ALREADY_OPENED", "QUANTITY_TOO_LOW"} <= change
    assert {"RESERVED", "ALREADY_USED", "EXPIRED", "REVOKED", "NOT_YET_USABLE"} <= reserve


def test_what_is_excused_is_still_found() -> None:
    excused = {
        f"{route.method} {route.path}": (found(route) - named(route)) - {OF_A_FORGED_EVENT}
        for route in ROUTES
    }
    assert {call: codes for call, codes in excused.items() if codes} == NAMESAKES


def test_the_document_in_the_repository_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == openapi.text(), "make openapi"


def test_the_program_writes_the_document_and_notices_another_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "openapi.json"
    assert openapi.main(["--out", str(out)]) == 0
    assert openapi.main(["--out", str(out), "--check"]) == 0
    out.write_text("{}", encoding="utf-8")
    assert openapi.main(["--out", str(out), "--check"]) == 1
    assert "make openapi" in capsys.readouterr().err
    assert openapi.main(["--out", "-"]) == 0
    assert capsys.readouterr().out == openapi.text()
    assert openapi.main(["--out", str(tmp_path / "none" / "openapi.json")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_no_other_call_imports_the_description() -> None:
    probe = (
        "import sys, handlers.routes, app; print([n for n in sys.modules if 'handlers.api' in n])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"
