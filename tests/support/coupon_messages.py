"""A message about an accepted coupon, and the strategy of all."""

from __future__ import annotations

from hypothesis import strategies as st

from handlers.domain import times
from handlers.domain.coupon import FENCE_MAX, CouponAccepted

MESSAGE = CouponAccepted("welcome", "42", 37, 1_795_316_400_123)
CAMPAIGN_IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
USER_IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)
MESSAGES = st.builds(
    CouponAccepted,
    CAMPAIGN_IDS,
    USER_IDS,
    st.integers(),
    st.integers(times.EARLIEST_MS, times.LATEST_MS),
    st.integers(0, FENCE_MAX),
)
