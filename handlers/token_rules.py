"""Which tokens this service accepts, besides those whose signature is wrong: `AUTH_*`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.env_parser import ConfigurationError

if TYPE_CHECKING:
    from handlers.env_parser import EnvParser

# Where issuers write scopes: RFC 8693 and 9068, Entra ID and Okta, Auth0.
SCOPE_CLAIMS = ("scope", "scp", "permissions")
# Servers with NTP differ by less than a second; a phone's clock does not matter here.
LEEWAY_S_DEFAULT, LEEWAY_S_MAX = 10, 300
# The longest life of an access token that Cognito gives, and the usual one of Auth0.
MAX_LIFE_S_DEFAULT = 86_400
MAX_LIFE_S_BOUNDS = (60, 366 * 86_400)
# By then no honest token of the secret before is left: it lives for a day at most.
PREVIOUS_SECRET_S_DEFAULT = MAX_LIFE_S_DEFAULT
PREVIOUS_SECRET_S_MAX = 366 * 86_400


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What the claims of a token must say.

    issuer, audience: what `iss` and `aud` must name; empty: `iss` may name any issuer, and a token
    with an `aud` is refused, since it is for another service.
    max_life_s: how long `exp` may be after `iat`, or after now in a token without `iat`.
    previous_secret_s: how long the secret before a rotation is good; 0: it never is.
    """

    issuer: str = ""
    audience: str = ""
    leeway_s: int = LEEWAY_S_DEFAULT
    max_life_s: int = MAX_LIFE_S_DEFAULT
    scope_claims: tuple[str, ...] = SCOPE_CLAIMS
    previous_secret_s: int = PREVIOUS_SECRET_S_DEFAULT

    @classmethod
    def from_environment(cls, read: EnvParser, *, needs_issuer: bool) -> TokenRules:
        """Raise ConfigurationError naming a malformed variable.

        With `needs_issuer` AUTH_ISSUER and AUTH_AUDIENCE must be set.
        """
        issuer, audience = read.text("AUTH_ISSUER", ""), read.text("AUTH_AUDIENCE", "")
        named = {"AUTH_ISSUER": issuer, "AUTH_AUDIENCE": audience}
        missing = [name for name, value in named.items() if not value]
        if needs_issuer and missing:
            message = (
                f"AUTH_JWKS_URL needs {' and '.join(missing)}: without "
                f"{'them' if missing[1:] else 'it'}, a token for another service would be accepted"
            )
            raise ConfigurationError(message)
        return cls(
            issuer=issuer,
            audience=audience,
            leeway_s=read.number("AUTH_LEEWAY_S", LEEWAY_S_DEFAULT, 0, LEEWAY_S_MAX),
            max_life_s=read.number("AUTH_MAX_LIFE_S", MAX_LIFE_S_DEFAULT, *MAX_LIFE_S_BOUNDS),
            scope_claims=scope_claims(read),
            previous_secret_s=read.number(
                "AUTH_PREVIOUS_SECRET_S", PREVIOUS_SECRET_S_DEFAULT, 0, PREVIOUS_SECRET_S_MAX
            ),
        )


def scope_claims(read: EnvParser) -> tuple[str, ...]:
    """Return the claims that hold the scopes: the one of AUTH_SCOPE_CLAIM, else the usual ones."""
    named = read.text("AUTH_SCOPE_CLAIM", "")
    return (named,) if named else SCOPE_CLAIMS
