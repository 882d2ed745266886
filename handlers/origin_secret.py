"""ORIGIN_SECRET: what CloudFront sends with each request, so that the viewer's address counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.env_parser import ConfigurationError, EnvParser, checked_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "ORIGIN_SECRET"
# The one in use and the one that replaces it, or that it has replaced.
SECRETS_MAX = 2


def origin_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the secrets, between which is a comma; none where there is no CloudFront.

    Raises ConfigurationError, without a secret's value.
    """
    found = dict.fromkeys(EnvParser(environment).text(NAME, "").replace(",", " ").split())
    if len(found) > SECRETS_MAX:
        message = f"{NAME} has {len(found)} secrets: two at most, while one replaces the other"
        raise ConfigurationError(message)
    return tuple(checked_secret(NAME, text) for text in found)
