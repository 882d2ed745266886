"""The form of a campaign id and of a user id. All input is checked here."""

from __future__ import annotations

import re

from handlers.domain.errors import InvalidRequestError

CAMPAIGN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
USER_ID = re.compile(r"[!-~]{1,64}", re.ASCII)


def is_campaign_id(value: object) -> bool:
    """Return whether `value` is 1 to 63 of a-z, 0-9 and -, not beginning with -."""
    return isinstance(value, str) and CAMPAIGN_ID.fullmatch(value) is not None


def is_user_id(value: object) -> bool:
    """Return whether `value` is 1 to 64 printable ASCII characters without a space."""
    return isinstance(value, str) and USER_ID.fullmatch(value) is not None


def campaign_id(value: object) -> str:
    """Return `value` as a campaign id, or raise InvalidRequestError naming the field."""
    if isinstance(value, str) and CAMPAIGN_ID.fullmatch(value):
        return value
    message = "id: must be 1 to 63 of a-z, 0-9 and -, and must not begin with -"
    raise InvalidRequestError(message)
