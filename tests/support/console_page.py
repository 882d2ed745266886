"""The console as a marketer uses it, in the tests of tests/pages/."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.support.http_client import Call, Client
from tests.support.service import ADMIN
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page, Request

    from tests.support.pages import Shop
    from tests.support.service import Response

BEARER = re.compile(r"Bearer (\S+)")
CROWD_THREADS = 16
GO = """path => new Promise((done) => {
  if (location.hash === `#${path}`) done();
  addEventListener("hashchange", () => done(), { once: true }); // behind the console's own
  location.hash = path;
})"""
PARTS = ("live", "changes", "coupons", "comparison", "events")

expect.set_options(timeout=WAIT_S * 1000)


def new_id() -> str:
    """Return an id for a campaign or a user of one test."""
    return f"c-{uuid.uuid4().hex[:12]}"


class ConsolePage:
    """The console of one person; it notes the tokens that the page sends and every address."""

    def __init__(self, page: Page, language: str = "en") -> None:
        self.page = page
        self.language = language
        self.tokens: set[str] = set()
        self.addresses: list[str] = []
        self.sent: list[str] = []  # "METHOD path", of calls that change something
        page.on("request", self._note)
        page.on("framenavigated", lambda frame: self.addresses.append(frame.url))

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    def open(self) -> ConsolePage:
        self.page.goto(f"/console?lang={self.language}")
        return self

    def sign_in(self, user: str = "marketer", *, admin: bool = True) -> ConsolePage:
        """Open the console and sign in by development's form."""
        self.open()
        self.main.locator("button.first").click()
        form = self.page.locator("dialog[open]")
        form.locator("input[name=username]").fill(user)
        form.locator("input[type=checkbox]").set_checked(admin)
        form.locator("button[type=submit]").click()
        expect(self.page.locator("#who")).to_contain_text(user)
        return self

    def go(self, path: str) -> ConsolePage:
        """Go to a page of the console as a link does; wait until it has its heading."""
        self.page.evaluate(GO, path)
        expect(self.main.locator(".title h1")).to_be_visible()
        return self

    def change(self, name: str) -> Locator:
        """Return the card of one change of a campaign."""
        return self.main.locator(f"[data-change={name}]")

    def tile(self, name: str) -> Locator:
        """Return one number of the live view."""
        return self.main.locator(f"[data-tile={name}]")

    def command(self, place: Locator) -> str:
        """Open the command of an action, and return it on one line."""
        place.locator("details.curl").last.evaluate("details => { details.open = true }")
        shown = place.locator("details.curl pre").last.inner_text()
        return re.sub(r"\s*\\\n\s*", " ", shown)

    def confirm(self, name: str) -> None:
        """Type the name that the open dialog asks for, and go on."""
        dialog = self.page.locator("dialog[open]")
        dialog.locator("input").fill(name)
        dialog.locator("button[type=submit]").click()
        expect(dialog).to_have_count(0)

    def is_settled(self) -> None:
        """Wait until nothing is loading."""
        self.page.wait_for_load_state("networkidle")

    def _note(self, request: Request) -> None:
        self.addresses.append(request.url)
        found = BEARER.match(request.headers.get("authorization", ""))
        if found:
            self.tokens.add(found[1])
        if request.method not in {"GET", "HEAD"}:
            self.sent.append(
                f"{request.method} {request.url.partition('://')[2].partition('/')[2]}"
            )


def admin_call(shop: Shop, method: str, path: str, body: object = None, **headers: str) -> Response:
    """Ask the service as an administrator does who has no console."""
    with Client(shop.client.port) as client:  # the gateway closes one that was idle for long
        return client.send(Call(method, path, "admin", ADMIN, body, headers))


def version_of(shop: Shop, campaign_id: str) -> dict[str, str]:
    """Return the header of a change of the campaign as it is."""
    return {"If-Match": admin_call(shop, "GET", f"/campaigns/{campaign_id}").headers["Etag"]}


def crowd(shop: Shop, campaign_id: str, users: Iterator[str]) -> list[Response]:
    """Let people apply at once; return the answers in their order."""
    with Client(shop.client.port) as client:
        client.is_described = False  # thousands of answers, which other tests compare
        calls = [Call("POST", f"/campaigns/{campaign_id}/apply", user) for user in users]
        return client.send_all(calls, CROWD_THREADS)
