"""Development's own sign-in: a form for any user, which no other stage has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from handlers.production import Check
from tests.e2e.conftest import gateway
from tests.support.axe import findings
from tests.support.http_client import Call
from tests.support.signing_in import CONSOLE, EVENT, open_try_out, stored, token_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from handlers.config import Settings
    from tests.support.pages import Shop

SIGNED_IN = "body[data-state=in]"
SIGNED_OUT = "body[data-state=out]"


@pytest.fixture
def browser_options() -> dict[str, Any]:
    return {}


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Development sign-in")


def open_form(page: Page, shop: Shop, path: str = EVENT) -> Locator:
    """Open a page, and its form by a press."""
    open_try_out(page, shop.address, path)
    page.get_by_role("button", name="Sign in").click()
    dialog = dialog_of(page)
    expect(dialog).to_be_visible()
    return dialog


def test_a_person_signs_in_with_the_keyboard_alone(page: Page, shop: Shop) -> None:
    open_try_out(page, shop.address, EVENT)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("User id")).to_be_focused()
    page.keyboard.type("kim-42")
    page.keyboard.press("Tab")
    expect(page.get_by_label("As administrator")).to_be_focused()
    expect(page.get_by_label("As administrator")).not_to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(SIGNED_IN)).to_be_attached()
    expect(page.locator("#user")).to_have_text("kim-42")
    expect(dialog_of(page)).to_have_count(0)


def test_an_administrator_is_one_where_the_box_is_ticked(page: Page, shop: Shop) -> None:
    dialog = open_form(page, shop, CONSOLE)
    expect(dialog.get_by_label("As administrator")).to_be_checked()  # the console needs it
    dialog.get_by_label("User id").fill("seo-jun")
    dialog.get_by_label("User id").press("Enter")
    expect(page.locator("#scopes")).to_have_text("coupon:admin")
    headers = {"Authorization": f"Bearer {token_of(page)}"}
    assert shop.client.send(Call("GET", "/failed-events", headers=headers)).status == 200
    dialog = open_form(page, shop, CONSOLE)
    dialog.get_by_label("As administrator").uncheck()
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator(SIGNED_IN)).to_be_attached()
    headers = {"Authorization": f"Bearer {token_of(page)}"}
    assert shop.client.send(Call("GET", "/failed-events", headers=headers)).status == 403


def test_the_last_user_is_remembered_and_never_a_token(page: Page, shop: Shop) -> None:
    dialog = open_form(page, shop, CONSOLE)
    dialog.get_by_label("User id").fill("kim-42")
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator(SIGNED_IN)).to_be_attached()
    kept = stored(page)
    assert not [part for part in token_of(page).split(".") if part in kept]
    dialog = open_form(page, shop, EVENT)
    expect(dialog.get_by_label("User id")).to_have_value("kim-42")


@pytest.mark.parametrize("way", ["Escape", "Cancel"])
def test_closing_the_form_signs_no_one_in(page: Page, shop: Shop, way: str) -> None:
    dialog = open_form(page, shop)
    if way == "Escape":
        page.keyboard.press("Escape")
    else:
        dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    expect(page.locator("#problem")).to_have_text("")


@pytest.mark.parametrize("user", ["", "two words", "김", "x" * 65])
def test_a_user_id_that_is_none_is_named_beside_its_field(
    page: Page, shop: Shop, user: str
) -> None:
    dialog = open_form(page, shop)
    field = dialog.get_by_label("User id")
    field.fill(user)
    field.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("1 to 64")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(dialog_description(dialog))


def dialog_description(dialog: Locator) -> str:
    return f"{dialog.locator('p').first.inner_text()} {dialog.get_by_role('alert').inner_text()}"


def test_a_reload_of_the_event_page_keeps_the_person_and_signing_out_forgets(
    page: Page, shop: Shop
) -> None:
    dialog = open_form(page, shop)
    dialog.get_by_label("User id").fill("kim-42")
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator(SIGNED_IN)).to_be_attached()
    token = token_of(page)
    page.reload()
    expect(page.locator("#user")).to_have_text("kim-42")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    assert token.split(".")[1] not in stored(page)


def test_a_refusal_of_the_service_is_shown_in_the_form(page: Page, shop: Shop) -> None:
    problem = {"code": "INTERNAL", "detail": "something broke", "status": 500}
    page.route("**/sign-in", lambda route: route.fulfill(status=500, json=problem))
    dialog = open_form(page, shop)
    dialog.get_by_label("User id").fill("kim-42")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("something broke")
    page.unroute("**/sign-in")
    page.route("**/sign-in", lambda route: route.abort())
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("cannot be reached")
    page.unroute("**/sign-in")
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator(SIGNED_IN)).to_be_attached()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_axe_finds_nothing_in_the_form_and_on_the_page_of_a_refused_sign_in(
    page: Page, shop: Shop, language: str, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 640})
    open_try_out(page, shop.address, f"{EVENT}?lang={language}")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).not_to_be_empty()
    assert findings(page) == []
    page.goto(f"/signed-in?state=a.L2NvbnNvbGU&lang={language}")
    expect(page.get_by_role("link")).to_have_attribute("href", f"{shop.address}{CONSOLE}")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.fixture
def other_stage(shop: Shop, settings: Settings) -> Iterator[str]:
    """The same service with another STAGE, which excepts itself from all that it would refuse."""
    excepted = {"STAGE": "demo", "INSECURE_ALLOWED": ",".join(Check)}
    assert settings.stage == "local"
    with gateway({**shop.environment, **excepted}) as client:
        answer = client.send(Call("POST", "/sign-in", body={"user_id": "kim-42"}))
        assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND")
        yield f"http://127.0.0.1:{client.port}"


def test_no_other_stage_than_local_has_it(page: Page, other_stage: str) -> None:
    """The page says that signing in is not set up, and shows no form."""
    page.context.unroute_all()
    open_try_out(page, other_stage, EVENT)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#problem")).to_contain_text("not set up")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.fixture
def allowed_origins(request: pytest.FixtureRequest, shop: Shop) -> set[str]:
    names = request.fixturenames
    other = {request.getfixturevalue("other_stage")} if "other_stage" in names else set()
    return {shop.address} | other
