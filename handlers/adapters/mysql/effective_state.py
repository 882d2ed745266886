"""The state of a coupon at this moment, as SQL. No other file derives it.

A statement that needs it reads `coupon` and `campaign` under these names, and has {effective_state}
where the expression goes.
"""

from __future__ import annotations

from handlers.adapters.mysql.database import query

# By MySQL's clock alone. A reservation that was made in time is kept to its own end, also where the
# coupon's time is over before: the shop was promised that. After its end the coupon is as before.
# usable_until is the last moment of all coupons; usable_days counts from each one's admission.
EFFECTIVE_STATE = """CASE
    WHEN coupon.state IN ('USED', 'REVOKED') THEN coupon.state
    WHEN coupon.state = 'RESERVED' AND coupon.reserved_until > CURRENT_TIMESTAMP(3) THEN 'RESERVED'
    WHEN CURRENT_TIMESTAMP(3) >= campaign.usable_until
      OR CURRENT_TIMESTAMP(3) >= coupon.admitted_at + INTERVAL campaign.usable_days DAY
        THEN 'EXPIRED'
    ELSE 'ISSUED'
END"""


def query_with_state(name: str) -> str:
    """Return the statement in sql/<name>.sql with the expression in place of {effective_state}."""
    return query(name).replace("{effective_state}", EFFECTIVE_STATE)
