"""A service whose pages sign people in at Keycloak, and a page that shows what a session does.

The page is the event's or the console's by its address, document and headers, so by its policy,
too; only its own script is another one: a few lines around web/shared/session.js.
"""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from local.servers.keycloak import CLIENT_ID, Keycloak, realm
from local.servers.ports import free_port
from tests.e2e.conftest import responds
from tests.support.programs import running
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page, Route

    from tests.support.pages import Shop

EVENT, CONSOLE = "/events/try-out", "/console"
PAGE_SCRIPT = re.compile(r"/web/[0-9a-f]+/(event/event|console/console)\.js$")
# Where a tab keeps a sign-in that is under way.
PENDING = "seonchak.sign-in"
# More clients of the realm: what they differ in from the one of local/keycloak/realm.json.
BRIEF, RENEWED, ASKING, UNHEARD, FOREIGN = "brief", "renewed", "asking", "unheard", "foreign"
BRIEF_S, RENEWED_S = 7, 8
SCRIPT = """
import { start } from "../shared/session.js";
import { language } from "../shared/texts.js";

document.documentElement.lang = language();
const isConsole = location.pathname === "/console";
window.expired = 0;
const session = window.session = await start({
  scope: isConsole ? "coupon:admin" : "",
  keep: isConsole ? "memory" : "tab",
});
const make = (name, text, properties = {}) =>
  Object.assign(document.createElement(name), { textContent: text ?? "" }, properties);
session.onExpired(() => { window.expired += 1; show(); });
show();

function show() {
  const main = make("main");
  const press = (text, act) => make("button", text, { onclick: () => act().then(show) });
  main.append(
    make("h1", "Try-out"),
    press("Sign in", () => session.signIn({ resume: "pressed" })),
    press("Sign out", () => session.signOut()),
    make("p", session.user?.id, { id: "user" }),
    make("p", session.user?.scopes.join(" "), { id: "scopes" }),
    make("p", session.problem?.text, { id: "problem", role: "alert" }),
    make("p", session.resume, { id: "resume" }),
  );
  document.body.replaceChildren(main);
  document.body.dataset.state = session.user ? "in" : "out";
}
"""


@dataclass(frozen=True)
class OidcShop:
    """The service of `shop` behind a second gateway, which takes Keycloak's tokens alone."""

    port: int
    address: str
    issuer: str


@pytest.fixture(scope="session")
def oidc_shop(shop: Shop) -> Iterator[OidcShop]:
    """Keycloak, and a gateway whose tokens come from there: once for all tests."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        keycloak = Keycloak(_realm_of_tests(address))
        stack.callback(keycloak.remove)
        keycloak.launch()
        environment = {**shop.environment, **keycloak.settings}
        arguments = ("--port", str(port), "--workers", "1")
        stack.enter_context(running("local.serve", *arguments, environment=environment))
        keycloak.wait_until_ready()
        eventually(lambda: responds(port), "the gateway answers")
        yield OidcShop(port, address, keycloak.url)


def open_try_out(page: Page, address: str, path: str) -> None:
    """Open an address of the service with our script in place of the page's own."""

    def script(route: Route) -> None:
        route.fulfill(content_type="text/javascript; charset=utf-8", body=SCRIPT)

    page.context.route(PAGE_SCRIPT, script)
    page.goto(address + path)
    settled(page)


def settled(page: Page) -> None:
    """Wait until the page's session has begun, however often it went to the issuer for that."""
    expect(page.locator("body[data-state]")).to_be_attached()


def sign_in_at_keycloak(page: Page, name: str) -> None:
    """Press the button, fill in Keycloak's form, and wait for the page to be back."""
    page.get_by_role("button", name="Sign in").click()
    fill_in(page, name)
    expect(page.locator("body[data-state=in]")).to_be_attached()


def fill_in(page: Page, name: str) -> None:
    """Fill in Keycloak's form; the password of these people is their name."""
    page.locator("#username").fill(name)
    page.locator("#password").fill(name)
    page.locator("#kc-login").click()


def use_client(page: Page, client_id: str, **more: str) -> None:
    """Let the page's configuration name another client of the realm."""
    change_sign_in(page, lambda settings: settings | {"client_id": client_id} | more)


def change_sign_in(page: Page, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change what the pages read about signing in."""

    def changed(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        route.fulfill(response=answer, json=body | {"sign_in": change(body["sign_in"])})

    page.context.route("**/web/config.json", changed)


def token_of(page: Page) -> str:
    """Return the page's token."""
    return str(page.evaluate("window.session.token()"))


def stored(page: Page) -> str:
    """Return all that this origin has in the browser's storages and cookies, as a text."""
    script = """async () => JSON.stringify([
        Object.entries(sessionStorage), Object.entries(localStorage), document.cookie,
        await indexedDB.databases(), await caches.keys(),
    ])"""
    return str(page.evaluate(script))


def _realm_of_tests(origin: str) -> dict[str, Any]:
    found = realm(origin)
    [usual] = found["clients"]
    attributes = usual["attributes"]
    found["clients"] += [
        usual
        | {
            "clientId": BRIEF,
            "attributes": attributes
            | {"access.token.lifespan": str(BRIEF_S), "use.refresh.tokens": "false"},
        },
        usual
        | {
            "clientId": RENEWED,
            "attributes": attributes | {"access.token.lifespan": str(RENEWED_S)},
        },
        usual | {"clientId": ASKING, "consentRequired": True},
        usual | {"clientId": UNHEARD, "webOrigins": []},
        usual | {"clientId": FOREIGN, "defaultClientScopes": ["basic-of-ours"]},
    ]
    [ours] = [scope for scope in found["clientScopes"] if scope["name"] == CLIENT_ID.split("-")[0]]
    [sub] = [one for one in ours["protocolMappers"] if one["name"] == "sub"]
    found["clientScopes"].append(ours | {"name": "basic-of-ours", "protocolMappers": [sub]})
    return found


def begin(page: Page, shop: OidcShop, path: str = EVENT) -> None:
    """Open the page and press the button."""
    open_try_out(page, shop.address, path)
    page.get_by_role("button", name="Sign in").click()


def change_record(page: Page, **change: Any) -> None:
    """Change what the tab keeps of the sign-in, before the issuer sends the person back."""
    page.context.add_init_script(
        f"""if (location.pathname === "/signed-in") {{
            const record = JSON.parse(sessionStorage.getItem("{PENDING}"));
            if (record && !record.changed) sessionStorage.setItem("{PENDING}", JSON.stringify(
                {{...record, ...{json.dumps(change)}, changed: true}}));
        }}"""
    )


def expect_problem(page: Page, said: str) -> None:
    """Expect the text, and that signing in can be tried once more."""
    expect(page.locator("#problem")).to_contain_text(said)
    expect(page.get_by_role("button", name="Sign in")).to_be_enabled()
    assert page.evaluate("session.token()") is None
