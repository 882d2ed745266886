"""Places in traces: the header that names one, hostile ones, and the ids of a coupon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.tracing.caller import callers_of
from handlers.tracing.place import Place, ids_of_coupon, parse

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{SPAN}-01"
PLACE = Place(int(TRACE, 16), int(SPAN, 16), is_sampled=True)
HOSTILE = [
    "",
    "-",
    HEADER[:-1],
    f"{HEADER}-more",  # the first version has four parts
    f"ff-{TRACE}-{SPAN}-01",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    HEADER.upper(),
    HEADER.replace("4", "٤"),
    f"00-{TRACE}-{SPAN}-0g",
    f"{HEADER}\r\nSet-Cookie: a=b",
    f"cc-{TRACE}-{SPAN}-01-{'x' * 100_000}",
    "\ud800",
    "' OR 1=1 --",
]


def test_a_place_is_read_from_the_header_that_it_writes() -> None:
    for place in (PLACE, PLACE._replace(is_sampled=False), Place(1, 2**64 - 1, is_sampled=True)):
        assert parse(place.header()) == place
    assert PLACE.header() == HEADER


def test_a_later_version_may_say_more_and_have_other_flags() -> None:
    assert parse(f"01-{TRACE}-{SPAN}-03-and-more") == PLACE
    assert parse(f" {HEADER[:-2]}02\t") == PLACE._replace(is_sampled=False)


@pytest.mark.parametrize("header", HOSTILE)
def test_a_malformed_header_names_no_place(header: str) -> None:
    assert parse(header) is None


@given(st.text(st.characters(codec=None, categories=None)) | st.from_regex(r"[0-9a-f-]{50,60}"))
def test_any_text_names_a_place_or_none(text: str) -> None:
    place = parse(text)
    assert place is None or (place.trace_id and place.span_id and parse(place.header()) == place)


@pytest.mark.parametrize(
    "event",
    [
        {"headers": {"TraceParent": HEADER}},
        {"multiValueHeaders": {"Traceparent": [HEADER]}, "headers": {"Traceparent": "-"}},
    ],
)
def test_a_caller_is_found_in_any_letter_case(event: dict[str, object]) -> None:
    assert callers_of(event) == (PLACE,)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"headers": None, "multiValueHeaders": None},
        {"headers": [HEADER]},
        {"headers": {"traceparent": [HEADER]}},
        {"headers": {"traceparent": HEADER, "Traceparent": HEADER}},
        {"headers": {1: HEADER, None: HEADER}},
        {"multiValueHeaders": {"traceparent": [HEADER, HEADER]}},
        {"multiValueHeaders": {"traceparent": HEADER}},
        {"multiValueHeaders": {"traceparent": []}},
        {"multiValueHeaders": {"traceparent": [HEADER], "Traceparent": [HEADER]}},
        *({"headers": {"traceparent": header}} for header in HOSTILE),
    ],
)
def test_an_event_without_exactly_one_sound_header_has_no_caller(event: dict[str, object]) -> None:
    assert callers_of(event) == ()


def test_a_coupon_has_the_same_ids_everywhere_and_no_other_coupon_has_them() -> None:
    # Written down: two releases that run side by side must agree on them.
    assert ids_of_coupon("welcome", 37, 1_763_780_400_123) == (
        0x30ABF52200A2C09A191896D44A2929DD,
        0x5E230C0A8A9C2C46,
    )
    others = [
        ids_of_coupon(campaign_id, serial, at_ms)
        for campaign_id in ("welcome", "welcome-3")
        for serial in (1, 37, 137)
        for at_ms in (1_763_780_400_123, 1_763_780_400_124)
    ]
    assert len({trace_id for trace_id, _ in others}) == len(others)
    assert all(0 < trace_id < 2**128 and 0 < first < 2**64 for trace_id, first in others)
