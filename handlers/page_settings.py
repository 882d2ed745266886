"""The settings of the pages: who may call from another origin, and where people sign in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from handlers.env_parser import PORT_DIGITS_MAX, PORTS, ConfigurationError, EnvParser
from handlers.token_rules import scope_claims

if TYPE_CHECKING:
    from collections.abc import Mapping

# As a browser writes it in `Origin`: in lower case, without a slash at the end.
ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]+))?"
)
PORTS_LEFT_OUT = {"http": "80", "https": "443"}
SEPARATORS = re.compile(r"[\s,]+")
ORIGIN_SHAPE = "https://host or https://host:port, in lower case, without a path"


class OidcToken(StrEnum):
    """Which of the issuer's tokens the pages send as bearer token (`OIDC_TOKEN`)."""

    ACCESS = "access_token"
    ID = "id_token"


@dataclass(frozen=True, slots=True)
class OidcClient:
    """How the pages sign people in at an OpenID Connect issuer: as a public client, with PKCE.

    scope_claims: where a token has its scopes. origins: those that the page must reach, first the
    issuer's own.
    """

    issuer: str
    client_id: str
    scope: str
    token: OidcToken
    audience: str
    scope_claims: tuple[str, ...]
    origins: tuple[str, ...]

    @classmethod
    def from_environment(cls, read: EnvParser, *, is_local: bool) -> OidcClient | None:
        """Return None without OIDC_CLIENT_ID; raise ConfigurationError naming what is wrong."""
        client_id = read.text("OIDC_CLIENT_ID", "")
        token = read.one_of(OidcToken, "OIDC_TOKEN", OidcToken.ACCESS)
        scope = read.text("OIDC_SCOPE", "openid")
        others = origins(read, "OIDC_ORIGINS", is_local=is_local)
        if not client_id:
            return None
        for needed in ("AUTH_ISSUER", "AUTH_JWKS_URL"):
            if not read.text(needed, ""):
                message = f"OIDC_CLIENT_ID needs {needed}: no token of the issuer would be accepted"
                raise ConfigurationError(message)
        if "openid" not in scope.split():
            message = "OIDC_SCOPE must name openid"
            raise ConfigurationError(message)
        issuer = read.url("AUTH_ISSUER", ("https", "http") if is_local else ("https",))
        return cls(
            issuer=issuer,
            client_id=client_id,
            scope=scope,
            token=token,
            audience=read.text("AUTH_AUDIENCE", ""),
            scope_claims=scope_claims(read),
            origins=tuple(dict.fromkeys((_origin_of(issuer), *sorted(others)))),
        )


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the pages and their callers need.

    allowed_origins: whose pages may read our answers. oidc: None where no issuer is named.
    has_development_sign_in: whether this service itself gives tokens to anyone.
    """

    allowed_origins: frozenset[str]
    oidc: OidcClient | None
    has_development_sign_in: bool

    @classmethod
    def from_environment(cls, read: EnvParser, *, is_local: bool) -> PageSettings:
        """Raise ConfigurationError naming a malformed variable."""
        allowed = origins(read, "ALLOWED_ORIGINS", is_local=is_local)
        signs_tokens = bool(read.text("AUTH_JWT_SECRET", ""))
        return cls(
            allowed_origins=allowed,
            oidc=OidcClient.from_environment(read, is_local=is_local),
            has_development_sign_in=is_local and signs_tokens,
        )

    @property
    def reached(self) -> tuple[str, ...]:
        """The origins that a page must reach besides its own."""
        return self.oidc.origins if self.oidc else ()


def allowed_origins(environment: Mapping[str, str]) -> frozenset[str]:
    """Return ALLOWED_ORIGINS alone; raise ConfigurationError for what is no origin."""
    read = EnvParser(environment)
    return origins(read, "ALLOWED_ORIGINS", is_local=read.text("STAGE", "") == "local")


def origins(read: EnvParser, name: str, *, is_local: bool) -> frozenset[str]:
    """Return each of the origins, between which are commas or blanks; none where it is not set.

    Raises ConfigurationError with the number of the first one that is none: a text that is no
    origin may hold a password.
    """
    found = [text for text in SEPARATORS.split(read.text(name, "")) if text]
    for number, text in enumerate(found, 1):
        if wrong := what_is_wrong(text, is_local=is_local):
            message = f"{name}: entry {number} {wrong}"
            raise ConfigurationError(message)
    return frozenset(found)


def what_is_wrong(text: str, *, is_local: bool) -> str:
    """Return why a text is no origin that may be named here; "" where it is one."""
    if text in {"*", "null"}:
        return f"is {text}, which is not one origin; name each: {ORIGIN_SHAPE}"
    parts = ORIGIN.fullmatch(text)
    if not parts:
        return f"is no origin: {ORIGIN_SHAPE}"
    port = parts["port"]
    if port == PORTS_LEFT_OUT[parts["scheme"]]:
        return f"must not have :{port}, which browsers leave out"
    if port and (len(port) > PORT_DIGITS_MAX or int(port) not in PORTS or port.startswith("0")):
        return "has a port that is none"
    if parts["scheme"] == "http" and not is_local:
        return "must begin with https://, as STAGE is not local"
    return ""


def _origin_of(issuer: str) -> str:
    """Return the issuer's origin; raise ConfigurationError for a URL that pages cannot use."""
    parts = urlsplit(issuer)
    default = PORTS_LEFT_OUT[parts.scheme]
    port = f":{parts.port}" if parts.port and str(parts.port) != default else ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    origin = f"{parts.scheme}://{host}{port}"
    has_more = parts.query or parts.fragment or "@" in parts.netloc
    if has_more or not ORIGIN.fullmatch(origin):
        message = "AUTH_ISSUER must be https://host/path without a query: pages read it there"
        raise ConfigurationError(message)
    return origin
