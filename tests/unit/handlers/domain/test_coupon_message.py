"""handlers/domain/coupon.py: the message through Kafka."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain import coupon as module
from handlers.domain.coupon import CouponAccepted, UndecodableError
from tests.support.coupon_messages import MESSAGE, MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD: dict[str, Any] = {
    "v": 1,
    "campaign_id": "welcome",
    "user_id": "42",
    "serial": 37,
    "admitted_at": "2026-11-22T03:00:00.123Z",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def decodes_or_is_refused(value: bytes | None) -> None:
    try:
        CouponAccepted.decode(value)
    except UndecodableError as error:
        assert str(error)  # noqa: PT017 - anything but this error fails the test by itself


def test_a_message_looks_as_the_contract_says() -> None:
    assert MESSAGE.encode() == (
        b'{"v":1,"campaign_id":"welcome","user_id":"42","serial":37,'
        b'"admitted_at":"2026-11-22T03:00:00.123Z"}'
    )
    assert MESSAGE._replace(fence=4).encode() == MESSAGE.encode()[:-1] + b',"fence":4}'


@pytest.mark.parametrize("fence", ["-1", "1.0", "true", '"1"', "null", str(2**32)])
def test_a_malformed_fence_is_named(fence: str) -> None:
    with pytest.raises(UndecodableError, match="fence"):
        CouponAccepted.decode(MESSAGE.encode()[:-1] + f',"fence":{fence}}}'.encode())


@given(MESSAGES)
def test_a_message_survives_its_bytes(message: CouponAccepted) -> None:
    assert CouponAccepted.decode(message.encode()) == message


def test_a_field_that_a_later_release_adds_is_passed_over() -> None:
    assert CouponAccepted.decode(json.dumps(GOOD | {"channel": "app"}).encode()) == MESSAGE


@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        (None, "the record has no value"),
        (b"", "the value is no UTF-8 JSON"),
        (b"\xff\xfe{}", "the value is no UTF-8 JSON"),
        (b"\xef\xbb\xbf{}", "the value is no UTF-8 JSON"),
        (b'{"v":1', "the value is no UTF-8 JSON"),
        (b"[" * 100_000, "the value is no UTF-8 JSON"),
        (b'{"a":' * 100_000, "the value is no UTF-8 JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "the value is no UTF-8 JSON"),
        (b'{"serial":' + b"9" * 5000 + b"}", "the value is no UTF-8 JSON"),
        (b"[]", "the value is no JSON object"),
        (b"[1,2]", "the value is no JSON object"),
        (b"null", "the value is no JSON object"),
        (b'"text"', "the value is no JSON object"),
        (b"1e999", "the value is no JSON object"),
        (b"{}", "v: missing, malformed or unknown"),
    ],
)
def test_a_malformed_message_is_refused_with_its_flaw(value: bytes | None, flaw: str) -> None:
    with pytest.raises(UndecodableError) as caught:
        CouponAccepted.decode(value)
    assert str(caught.value) == flaw


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, None) for field in GOOD]
    + [(field, []) for field in GOOD]
    + [(field, {}) for field in GOOD]
    + [(field, True) for field in GOOD]
    + [(field, 1.5) for field in GOOD]
    + [
        ("v", 0),
        ("v", 2),
        ("v", 1.0),
        ("v", "1"),
        ("v", -1),
        ("campaign_id", "Welcome"),
        ("campaign_id", ""),
        ("campaign_id", "a" * 64),
        ("campaign_id", 7),
        ("user_id", ""),
        ("user_id", 42),
        ("user_id", "4 2"),
        ("user_id", "é"),
        ("user_id", "\ud800"),
        ("user_id", "a" * 65),
        ("serial", "37"),
        ("serial", 37.0),
        ("serial", float("nan")),
        ("admitted_at", 1_795_316_400_123),
        ("admitted_at", ""),
        ("admitted_at", "2026-11-22T03:00:00"),
        ("admitted_at", "1969-12-31T23:59:59Z"),
        ("admitted_at", "\ud800"),
    ],
)
def test_a_field_of_another_kind_is_named(field: str, value: object) -> None:
    with pytest.raises(UndecodableError, match=rf"^{field}: "):
        CouponAccepted.decode(json.dumps(GOOD | {field: value}).encode())


@pytest.mark.parametrize("field", list(GOOD))
def test_a_missing_field_is_named(field: str) -> None:
    value = json.dumps({k: v for k, v in GOOD.items() if k != field}).encode()
    with pytest.raises(UndecodableError, match=rf"^{field}: "):
        CouponAccepted.decode(value)


@pytest.mark.parametrize("serial", [0, -1, 10**18, 10**4000])
def test_a_serial_of_any_size_is_decoded_and_left_to_the_guards(serial: int) -> None:
    value = json.dumps(GOOD | {"serial": serial}).encode()
    assert CouponAccepted.decode(value).serial == serial


@given(st.binary())
def test_no_bytes_bring_the_decoder_down(value: bytes) -> None:
    decodes_or_is_refused(value)


@given(JSON)
def test_no_json_brings_the_decoder_down(value: object) -> None:
    decodes_or_is_refused(json.dumps(value).encode())


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_no_field_brings_the_decoder_down(field: str, value: object) -> None:
    decodes_or_is_refused(json.dumps(GOOD | {field: value}).encode())


# Pieces of what we write ourselves, and similar ones: the shortest way from the fast form
# to something else.
TOKENS = st.sampled_from(
    [
        MESSAGE.encode().decode(),
        *(json.dumps(name) + ":" for name in GOOD),
        *(json.dumps(value) for value in GOOD.values()),
        *'{}[],:"\\ 0-1.\n',
        "\\u0022",
        "1e0",
        "NaN",
        "12345678901",
        "9" * 5000,
        "[" * 2000,
        '"2026-02-30T03:00:00.123Z"',
        '"2026-11-22T24:00:00.000Z"',
        '"2026-11-22T24:00:00.123Z"',
        '"2026-11-22T23:59:60.123Z"',
        '"1969-12-31T23:59:59.999Z"',
        '"9999-12-31T23:59:59.999Z"',
        "\u0660",
        "é",
    ]
)


def outcome(decode: Callable[[bytes | None], CouponAccepted], value: bytes) -> object:
    try:
        return decode(value)
    except UndecodableError as error:
        return str(error)


def says_what_json_says(value: bytes) -> None:
    assert outcome(CouponAccepted.decode, value) == outcome(module._general, value)


@given(st.lists(TOKENS, max_size=24).map("".join))
def test_the_fast_form_says_what_json_says_of_pieces_in_any_order(text: str) -> None:
    says_what_json_says(text.encode())


@given(MESSAGES, st.data())
def test_the_fast_form_says_what_json_says_of_a_message_with_a_piece_changed(
    message: CouponAccepted, data: st.DataObject
) -> None:
    text = message.encode().decode()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    says_what_json_says((text[:start] + data.draw(TOKENS | st.text()) + text[end:]).encode())


@given(MESSAGES, st.integers(0), st.integers(0, 255))
def test_the_fast_form_says_what_json_says_of_a_message_with_a_byte_changed(
    message: CouponAccepted, at: int, byte: int
) -> None:
    value = bytearray(message.encode())
    value[at % len(value)] = byte
    says_what_json_says(bytes(value))


def test_what_we_write_ourselves_is_the_fast_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_general", None)
    assert CouponAccepted.decode(MESSAGE.encode()) == MESSAGE
