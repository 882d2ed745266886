"""Development's own sign-in: a token for anyone who asks. It exists with STAGE=local alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from handlers.config import Settings

LIFE_S = 3600


def development_token(settings: Settings, user_id: str, scope: str) -> tuple[str, int]:
    """Return a token for `user_id` with the scopes, and for how many seconds it is good."""
    rules = settings.token_rules
    now_s, life_s = int(time.time()), min(LIFE_S, rules.max_life_s)
    claims: dict[str, Any] = {"sub": user_id, "iat": now_s, "exp": now_s + life_s}
    named = {"iss": rules.issuer, "aud": rules.audience, rules.scope_claims[0]: scope}
    claims |= {name: value for name, value in named.items() if value}
    return jwt.encode(claims, settings.auth_jwt_secret, "HS256"), life_s
