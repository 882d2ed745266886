"""The scopes of tokens: what a caller may do besides apply."""

from __future__ import annotations

ADMIN_SCOPE = "coupon:admin"  # everything
# a shop's back end: what happens to a coupon of which it has the code
REDEEM_SCOPE = "coupon:redeem"
PRIVACY_SCOPE = "coupon:privacy"  # who answers people that ask to be erased
