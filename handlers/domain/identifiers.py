"""The form of the ids of campaigns, users and orders, and of codes. All input is checked here."""

from __future__ import annotations

import re

from handlers.domain.errors import InvalidRequestError

CAMPAIGN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
USER_ID = re.compile(r"[!-~]{1,64}", re.ASCII)
# It is a part of a path, so it has no slash, nothing that must be encoded, and is never "..".
ORDER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:-]{0,63}", re.ASCII)
COUPON_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{16}", re.ASCII)  # coupon_codes.py makes them


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


def is_coupon_code(value: object) -> bool:
    """Return whether `value` has the form of a code; no coupon has another one."""
    return isinstance(value, str) and COUPON_CODE.fullmatch(value) is not None


def order_id(value: object) -> str:
    """Return `value` as a shop's order id, or raise InvalidRequestError naming the field."""
    if isinstance(value, str) and ORDER_ID.fullmatch(value):
        return value
    message = (
        "order_id: must be 1 to 64 of A-Z, a-z, 0-9, . _ ~ : - and begin with a letter or digit"
    )
    raise InvalidRequestError(message)
