"""handlers/domain/coupon.py: many messages of our own form are decoded by one expression."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handlers.domain import times
from handlers.domain.coupon import CouponAccepted, decoded_at_once
from tests.support.coupon_messages import CAMPAIGN_IDS, MESSAGE, MESSAGES

VALUES = st.one_of(
    MESSAGES.map(CouponAccepted.encode),
    # Almost our own form: cut, joined, or with a byte of another kind in it.
    st.tuples(MESSAGES, st.integers(0, 200), st.binary(max_size=2)).map(
        lambda made: made[0].encode()[: made[1]] + made[2] + made[0].encode()[made[1] :]
    ),
    st.tuples(MESSAGES, MESSAGES).map(lambda two: two[0].encode() + b"\n" + two[1].encode()),
    st.sampled_from([b"", b"\n", b"{}", b"\xff", MESSAGE.encode() + b"\n"]),
    st.sampled_from(["2026-02-30T03:00:00", "1969-12-31T23:59:59"]).map(
        lambda second: MESSAGE.encode().replace(b"2026-11-22T03:00:00", second.encode())
    ),
)


@given(st.lists(VALUES, max_size=6))
def test_many_messages_at_once_are_what_each_is_alone(values: list[bytes]) -> None:
    together = decoded_at_once(values)
    if together is not None:
        assert together == [CouponAccepted.decode(value) for value in values]
        assert all(type(one) is CouponAccepted for one in together)


OWN = st.builds(
    CouponAccepted,
    CAMPAIGN_IDS,
    st.text("abcXYZ019.:@-_#~!", min_size=1, max_size=64),
    st.integers(1, 10_000_000),
    st.integers(times.EARLIEST_MS, times.LATEST_MS),
    st.integers(0, 999_999_999),
)


@given(st.lists(OWN, min_size=1, max_size=6))
def test_messages_of_our_own_form_are_decoded_at_once(messages: list[CouponAccepted]) -> None:
    assert decoded_at_once([one.encode() for one in messages]) == messages


def test_two_messages_in_one_value_are_not_two_records() -> None:
    two = MESSAGE.encode() + b"\n" + MESSAGE.encode()
    assert decoded_at_once([two, b"poison"]) is None
    assert decoded_at_once([two]) is None
