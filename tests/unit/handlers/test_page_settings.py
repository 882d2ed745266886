"""handlers/page_settings.py: origins are origins, and an issuer is one that pages can use."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.config import ConfigurationError, Settings
from handlers.env_parser import EnvParser
from handlers.page_settings import OidcToken, PageSettings, allowed_origins
from tests.unit.handlers.test_config import GOOD

OIDC = {
    "OIDC_CLIENT_ID": "coupon-pages",
    "AUTH_ISSUER": "https://id.example.com/realms/shop",
    "AUTH_JWKS_URL": "https://id.example.com/keys",
    "AUTH_AUDIENCE": "coupons",
}


def read(environment: dict[str, str], *, is_local: bool = False) -> PageSettings:
    return PageSettings.from_environment(EnvParser(environment), is_local=is_local)


def refusal(environment: dict[str, str], *, is_local: bool = False) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(environment, is_local=is_local)
    return str(caught.value)


def test_without_any_setting_no_origin_may_call_and_no_issuer_is_named() -> None:
    assert read({}) == PageSettings(frozenset(), None, has_development_sign_in=False)


@pytest.mark.parametrize("separator", [",", " ", ", ", "\n", " ,, "])
def test_origins_are_separated_by_commas_or_blanks(separator: str) -> None:
    named = ("https://shop.example.com", "https://127.0.0.1:8443", "https://[::1]:8443")
    assert read({"ALLOWED_ORIGINS": separator.join(named)}).allowed_origins == set(named)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("*", "entry 1 is *, which is not one origin"),
        ("null", "entry 1 is null, which is not one origin"),
        ("https://a.example https://b.example/", "entry 2 is no origin"),
        ("https://a.example/path", "entry 1 is no origin"),
        ("https://A.example", "in lower case"),
        ("https://a.example?x", "entry 1 is no origin"),
        ("https://user:s3cr3t@a.example", "entry 1 is no origin"),
        ("a.example", "entry 1 is no origin"),
        ("ftp://a.example", "entry 1 is no origin"),
        ("https://", "entry 1 is no origin"),
        ("https://a.example:443", "entry 1 must not have :443"),
        ("https://a.example:0", "entry 1 has a port that is none"),
        ("https://a.example:65536", "entry 1 has a port that is none"),
        ("https://a.example:" + "9" * 5000, "entry 1 has a port that is none"),
        ("https://a.example:08443", "entry 1 has a port that is none"),
        ("http://a.example", "entry 1 must begin with https://, as STAGE is not local"),
        ("https://예.example", "entry 1 is no origin"),
    ],
)
@pytest.mark.parametrize("name", ["ALLOWED_ORIGINS", "OIDC_ORIGINS"])
def test_what_is_no_origin_is_refused_by_its_number(name: str, text: str, wrong: str) -> None:
    message = refusal({name: text})
    assert message.startswith(f"{name}: ")
    assert wrong in message
    assert "s3cr3t" not in message


def test_in_development_origins_may_be_without_tls_but_have_no_usual_port() -> None:
    local = {"ALLOWED_ORIGINS": "http://localhost:3000"}
    assert read(local, is_local=True).allowed_origins == {"http://localhost:3000"}
    usual = {"ALLOWED_ORIGINS": "http://localhost:80"}
    assert "must not have :80" in refusal(usual, is_local=True)


def test_the_homes_read_the_origins_alone_by_the_same_rules() -> None:
    assert allowed_origins({}) == frozenset()
    assert allowed_origins({"STAGE": "local", "ALLOWED_ORIGINS": "http://a:1"}) == {"http://a:1"}
    with pytest.raises(ConfigurationError, match="STAGE is not local"):
        allowed_origins({"ALLOWED_ORIGINS": "http://a:1"})


def test_an_issuer_is_named_with_what_the_pages_need_to_sign_in() -> None:
    client = read(OIDC | {"OIDC_SCOPE": "openid coupons", "OIDC_TOKEN": "id_token"}).oidc
    assert client
    assert (client.issuer, client.client_id) == (OIDC["AUTH_ISSUER"], "coupon-pages")
    assert (client.scope, client.token, client.audience) == (
        "openid coupons",
        OidcToken.ID,
        "coupons",
    )
    assert (
        read(OIDC).oidc == read(OIDC | {"OIDC_SCOPE": "openid", "OIDC_TOKEN": "access_token"}).oidc
    )


def test_the_pages_reach_the_issuers_origin_and_those_that_are_named_besides() -> None:
    others = {"OIDC_ORIGINS": "https://b.example https://a.example https://id.example.com"}
    assert read(OIDC | others).reached == (
        "https://id.example.com",
        "https://a.example",
        "https://b.example",
    )
    assert read(others).reached == ()
    usual_port = {"AUTH_ISSUER": "https://ID.example.com:443/x"}
    assert read(OIDC | usual_port).reached == ("https://id.example.com",)
    local = {"AUTH_ISSUER": "http://[::1]:5556/dex"}
    assert read(OIDC | local, is_local=True).reached == ("http://[::1]:5556",)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"AUTH_ISSUER": ""}, "OIDC_CLIENT_ID needs AUTH_ISSUER"),
        ({"AUTH_JWKS_URL": ""}, "OIDC_CLIENT_ID needs AUTH_JWKS_URL"),
        ({"AUTH_ISSUER": "http://id.example.com"}, "AUTH_ISSUER must begin with https://"),
        ({"AUTH_ISSUER": "id.example.com"}, "AUTH_ISSUER must begin with https://"),
        ({"AUTH_ISSUER": "https://id.example.com:x"}, "AUTH_ISSUER has a malformed port"),
        ({"AUTH_ISSUER": "https://u:s3cr3t@id.example.com"}, "AUTH_ISSUER must be https://host"),
        ({"AUTH_ISSUER": "https://id.example.com?x=1"}, "AUTH_ISSUER must be https://host"),
        ({"AUTH_ISSUER": "https:///path"}, "AUTH_ISSUER must be https://host"),
        ({"AUTH_ISSUER": "https://a b.example.com"}, "AUTH_ISSUER must be https://host"),
        ({"OIDC_SCOPE": "profile"}, "OIDC_SCOPE must name openid"),
        ({"OIDC_TOKEN": "refresh_token"}, "OIDC_TOKEN must be one of access_token, id_token"),
    ],
)
def test_an_issuer_that_pages_cannot_use_is_refused(change: dict[str, Any], wrong: str) -> None:
    message = refusal(OIDC | change)
    assert message.startswith(wrong)
    assert "s3cr3t" not in message


def test_development_signs_people_in_with_its_own_secret_alone() -> None:
    secret = {"AUTH_JWT_SECRET": "x" * 32}
    assert read(secret, is_local=True).has_development_sign_in
    assert not read(secret).has_development_sign_in
    assert not read({}, is_local=True).has_development_sign_in


def test_a_wrong_origin_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="ALLOWED_ORIGINS: entry 1"):
        Settings.from_environment(GOOD | {"ALLOWED_ORIGINS": "shop.example.com"})
    assert Settings.from_environment(GOOD).pages == read({})
