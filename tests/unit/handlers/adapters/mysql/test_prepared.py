"""handlers/adapters/mysql/prepared.py: what the ledger's statements take of a batch."""

from __future__ import annotations

import json
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from handlers.adapters.mysql.prepared import Prepared
from handlers.domain import times
from handlers.domain.coupon import FENCE_MAX, CouponAccepted
from handlers.domain.coupon_codes import CouponCodes
from handlers.domain.record import DecodedRecord
from tests.support.fakes import record

CODES = CouponCodes(b"a secret")
# With every character that an id may have: also those that JSON escapes.
COUPONS = st.builds(
    CouponAccepted,
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64),
    st.integers(),
    st.integers(times.EARLIEST_MS, times.LATEST_MS),
    st.integers(0, FENCE_MAX),
)


def prepared(coupons: list[CouponAccepted]) -> Prepared:
    records = (
        DecodedRecord(one, partial(record, b"value", offset)) for offset, one in enumerate(coupons)
    )
    return Prepared(records, CODES)


@given(st.lists(COUPONS, max_size=6))
def test_rows_are_the_json_of_the_records_in_their_order(coupons: list[CouponAccepted]) -> None:
    made = prepared(coupons)
    in_order = sorted(coupons, key=lambda one: (one.campaign_id, one.serial))
    assert [one.coupon for one in made] == in_order
    codes = CODES.of((one.campaign_id, one.user_id) for one in in_order)
    assert json.loads(made.rows) == [
        [c.campaign_id, c.user_id, c.serial, code, times.to_mysql(c.admitted_at_ms), c.fence]
        for c, code in zip(in_order, codes, strict=True)
    ]
    assert made.campaign_ids == sorted({one.campaign_id for one in coupons})


def test_of_two_with_one_serial_the_record_that_came_first_stays_first() -> None:
    two = [CouponAccepted("welcome", user, 1, 0) for user in ("zoe", "ann")]
    assert [one.coupon.user_id for one in prepared(two)] == ["zoe", "ann"]


def test_a_part_of_it_is_not_prepared() -> None:
    assert not isinstance(prepared([CouponAccepted("welcome", "a", 1, 0)])[:1], Prepared)
