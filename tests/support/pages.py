"""What tests of the pages share: the running service, and a watch over what a page must not do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.support.http_client import Call
from tests.support.service import ADMIN, campaign_body

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Request

    from handlers.config import Settings
    from tests.support.http_client import Client

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
        answer = self.client.send(Call("POST", "/campaigns", "admin", ADMIN, body))
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
