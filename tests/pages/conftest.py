"""The pages in the Chromium of the system, over the whole service on servers of its own."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from handlers.adapters.migration.epoch import ensure_epoch
from handlers.adapters.migration.topic import ensure_topic
from handlers.config import Settings
from handlers.retry import RetryDeadline
from local.migrate import database_address
from tests.conftest import WAIT_S, empty_tables, forget_campaigns, say
from tests.e2e.conftest import gateway, relayed_poll_runner
from tests.lab.playground.browser import chromium
from tests.support.event_page import arrive, new_id
from tests.support.pages import CHROMIUM_FLAGS, Shop, Watch
from tests.support.signing_in import oidc_shop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.support.event_page import EventPage

    OpenContext = Callable[..., BrowserContext]

# The tests' own connections are idle while a page is looked at.
KEPT = {"local.serve.IDLE_TIMEOUT_S": 600}
__all__ = ["oidc_shop"]  # a fixture


# A large Java program starts before the first of these tests.
ISSUER_START_S = 400


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker have all tests at Keycloak, so that only one Keycloak runs."""
    for item in items:
        if "oidc_shop" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("keycloak"))
            item.add_marker(pytest.mark.timeout(ISSUER_START_S))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each test has a profile of its own in it."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=[*CHROMIUM_FLAGS])
        yield found
        found.close()


@pytest.fixture(scope="session")
def shop(settings: Settings, environment: dict[str, str]) -> Iterator[Shop]:
    """The service, once for all tests: each test has a campaign and users of its own."""
    empty_tables(settings)
    forget_campaigns(settings)
    ensure_epoch(settings, database_address(settings), RetryDeadline(WAIT_S, say))
    name = f"coupon_{uuid.uuid4().hex[:12]}"
    own = {**environment, "COUPON_TOPIC": name, "CONSUMER_GROUP": f"group_{name}"}
    ensure_topic(Settings.from_environment(own), RetryDeadline(WAIT_S, say))
    with gateway(own, KEPT) as client, relayed_poll_runner(own):
        yield Shop(f"http://127.0.0.1:{client.port}", client, settings, own)


@pytest.fixture
def campaign_id(shop: Shop) -> str:
    """An open campaign of two coupons."""
    name = new_id()
    shop.create(name, quantity=2)
    return name


@pytest.fixture
def browser_options() -> dict[str, Any]:
    """Options of the context of `page`; a test overrides this fixture for others."""
    return {}


@pytest.fixture
def allowed_origins(shop: Shop) -> set[str]:
    """The origins that pages of this test may call."""
    return {shop.address}


@pytest.fixture
def open_context(
    browser: Browser, shop: Shop, allowed_origins: set[str], browser_options: dict[str, Any]
) -> Iterator[OpenContext]:
    """Opens contexts, each as another person's browser; at the end they must have done no wrong.

    Wrong is an error on the console, an error of a script, a violation of the page's policy, and a
    request to an origin that is not allowed.
    """
    watch = Watch(allowed_origins)
    with ExitStack() as opened:

        def open_one(**options: Any) -> BrowserContext:
            usual = {"base_url": shop.address, "locale": "en-US", "timezone_id": "Asia/Seoul"}
            context = browser.new_context(**usual | browser_options | options)
            opened.callback(context.close)
            watch.over(context)
            return context

        yield open_one
    assert watch.found == []


@pytest.fixture
def page(open_context: OpenContext) -> Page:
    """One page in a context of its own."""
    return open_context().new_page()


@pytest.fixture
def won(page: Page, campaign_id: str) -> EventPage:
    """A page that shows a coupon with its code."""
    one = arrive(page, campaign_id)
    one.button.click()
    assert one.code
    return one
