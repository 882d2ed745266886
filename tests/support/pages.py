"""What tests of the pages share: the running service, and a watch over what a page must not do."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.support.http_client import Call, Client
from tests.support.service import ADMIN, campaign_body
from tests.support.waiting import RECHECK_S, WAIT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

    from handlers.config import Settings

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# Chromium's own line about an answer that is no success, and about a connection that broke.
NOT_LOADED = "Failed to load resource:"
VIOLATION = "policy violation:"
REPORT_VIOLATIONS = f"""
addEventListener("securitypolicyviolation", (event) => console.error(
  "{VIOLATION} " + event.violatedDirective + " " + event.blockedURI + " " + event.sample))
"""
# They are of the page itself, or of no server.
WITHOUT_ORIGIN = ("about:", "blob:", "data:")


def until(page: Page, condition: Callable[[], object]) -> None:
    """Let a page's events come until a condition about them holds; fail where it never does."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(RECHECK_S * 1000)


def signed_in(page: Page, user: str, scope: str = "") -> None:
    """Fill in development's form, which the page shows, and wait until the page has the token."""
    form = page.locator("dialog.sign-in-dialog")
    form.locator("input[name=username]").fill(user)
    form.locator("input[type=checkbox]").set_checked(scope == ADMIN)
    form.locator("button[type=submit]").click()
    expect(form).to_have_count(0)


@dataclass(frozen=True)
class Shop:
    """The service: a gateway, a poll runner and a scheduler on real servers."""

    address: str
    client: Client
    settings: Settings
    environment: dict[str, str]

    def create(
        self,
        campaign_id: str,
        quantity: int = 100,
        opens_in_s: float = -60,
        open_for_s: float = 3600,
        **more: Any,
    ) -> None:
        """Create a campaign; `more` are other fields of it."""
        body = campaign_body(campaign_id, quantity, opens_in_s, open_for_s) | more
        with Client(self.client.port) as client:  # the gateway closes one that was idle for long
            answer = client.send(Call("POST", "/campaigns", "admin", ADMIN, body))
        assert answer.status == 201, answer


@dataclass
class Watch:
    """Notes each line of an error on the console, each error, violation and foreign request.

    A call that is refused, as most are in these tests, or whose connection broke, is none: the page
    deals with it. A page or a file of it that does not come is one.
    """

    origins: set[str]
    found: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Watch over all pages of a context."""
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(str(error.error)))
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        url = str(message.location.get("url", ""))
        is_file = urlsplit(url).path.startswith("/web/")
        if message.type == "error" and (is_file or not message.text.startswith(NOT_LOADED)):
            self.found.append(f"{message.text} ({url})")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" in self.origins:
            return
        if not request.url.startswith(WITHOUT_ORIGIN):
            self.found.append(f"a request to another origin: {request.url}")
