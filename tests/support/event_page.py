"""The event page as a person uses it, in the tests of tests/pages/."""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.support.http_client import Call
from tests.support.service import ADMIN
from tests.support.waiting import RECHECK_S, WAIT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page, Route

    from tests.support.pages import Shop
    from tests.support.service import Response

# What a busy machine may need; each wait ends as soon as its condition holds.
WAIT_MS = WAIT_S * 1000
# Of the campaign that a page asks for again and again, and of the calls of one person.
OF_THE_CAMPAIGN = re.compile(r"/campaigns/[a-z0-9-]+(\?.*)?$")
OF_APPLY = "**/apply"
OF_COUPON = re.compile(r"/campaigns/[a-z0-9-]+/coupon$")

expect.set_options(timeout=WAIT_MS)


def new_id() -> str:
    """Return an id for a campaign or a user of one test."""
    return f"p-{uuid.uuid4().hex[:12]}"


class EventPage:
    """One page of one person."""

    def __init__(self, page: Page, campaign_id: str, language: str = "en") -> None:
        self.page = page
        self.campaign_id = campaign_id
        self.language = language

    def open(self) -> EventPage:
        self.page.goto(f"/events/{self.campaign_id}?lang={self.language}")
        expect(self.page.locator("#event")).to_be_visible()
        return self

    def sign_in(self, user: str) -> EventPage:
        """Sign in by development's form, and wait until the page knows the person's coupon."""
        expect(self.button).to_have_attribute("data-does", "sign_in")
        with self.page.expect_response(OF_COUPON):
            self.button.press("Enter")
            field = self.page.locator("dialog[open] input[name=username]")
            field.fill(user)
            field.press("Enter")
        expect(self.page.locator("#who")).to_contain_text(user)
        return self

    @property
    def button(self) -> Locator:
        return self.page.locator("#press")

    @property
    def serial(self) -> int:
        """The serial, once there is one."""
        place = self.page.locator("#serial")
        expect(place).to_be_visible()
        text = place.text_content() or ""
        return int(text.removeprefix("#"))

    @property
    def code(self) -> str:
        """The code, once it has come."""
        place = self.page.locator("#code")
        expect(place).to_be_visible()
        return place.text_content() or ""

    def says(self, code: str) -> Locator:
        """Wait for the message of an outcome; return it."""
        place = self.page.locator(f'#message[data-code="{code}"]')
        expect(place).to_be_visible()
        return place

    def look_again(self) -> None:
        """Come back to the page, as from another tab: it asks for the coupon again."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def in_state(self, label: str) -> None:
        """Look again, and wait for a state of the coupon."""
        self.look_again()
        expect(self.page.locator("#coupon-state")).to_have_text(label)


def arrive(page: Page, campaign_id: str, user: str | None = None) -> EventPage:
    """Open the page of a campaign as a person who is signed in."""
    return EventPage(page, campaign_id).open().sign_in(user or new_id())


def apply(shop: Shop, campaign_id: str, user: str) -> Response:
    """Apply without a page."""
    return shop.client.send(Call("POST", f"/campaigns/{campaign_id}/apply", user))


def coupon(shop: Shop, campaign_id: str, user: str) -> Response:
    """Return what the service says of a person's coupon."""
    return shop.client.send(Call("GET", f"/campaigns/{campaign_id}/coupon", user))


def given(shop: Shop, campaign_id: str) -> int:
    """Return how many coupons of a campaign have been given."""
    call = Call("GET", f"/campaigns/{campaign_id}/stats", "admin", ADMIN)
    return int(shop.client.send(call).body["admitted"])


def change(shop: Shop, campaign_id: str, **fields: Any) -> None:
    """Change a campaign, as an administrator does."""
    headers = {"If-Match": "*"}
    call = Call("PATCH", f"/campaigns/{campaign_id}", "admin", ADMIN, fields, headers)
    answer = shop.client.send(call)
    assert answer.status == 200, answer


def problem(code: str, status: int, retry_after_s: int | None = None) -> dict[str, Any]:
    """Return a problem as the service writes it, to fulfil a request with."""
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    body = {
        "type": "about:blank",
        "title": code,
        "status": status,
        "detail": "of a test",
        "code": code,
        "request_id": "r-of-a-test",
    }
    return {"status": status, "headers": headers, "json": body}


def until(page: Page, condition: Callable[[], object], what: str) -> None:
    """Wait until a condition of this process holds, while the browser's events come in."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {WAIT_S:g} s"
        page.wait_for_timeout(RECHECK_S * 1000)


def first_only(page: Page, where: Any, what: Any) -> list[Route]:
    """Let `what` deal with the first request of a kind; all others go on. Return those seen."""
    seen: list[Route] = []

    def deal(route: Route) -> None:
        seen.append(route)
        if len(seen) == 1:
            what(route)
        else:
            route.continue_()

    page.route(where, deal)
    return seen
