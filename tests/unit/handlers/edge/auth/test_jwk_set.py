"""handlers/edge/auth/jwk_set.py: of an issuer's keys the good ones are used, whatever is beside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from handlers.edge.auth.jwk_set import KEYS_KNOWN, signing_keys

if TYPE_CHECKING:
    from tests.support.issuer import Issuer
    from tests.unit.conftest import LogLines

EC: dict[str, Any] = {
    **ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True),
    "kid": "ec",
}
RSA: dict[str, Any] = {
    **RSAAlgorithm.to_jwk(rsa.generate_private_key(65_537, 2048).public_key(), as_dict=True),
    "kid": "rsa",
}
TOO_SMALL = rsa.generate_private_key(65_537, 1024)  # noqa: S505 - it must be refused
SMALL = RSAAlgorithm.to_jwk(TOO_SMALL.public_key(), as_dict=True)
PRIVATE = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
P384 = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)


def names(*keys: object) -> list[str]:
    return list(signing_keys(json.dumps({"keys": keys}).encode()))


def changed(key: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Return the key with other members, under another name; without those that are None."""
    members = key | {"kid": "odd"} | changes
    return {name: value for name, value in members.items() if value is not None}


ODD = [
    None,
    1,
    "key",
    [],
    [EC],
    {},
    {"kid": "odd"},
    changed(EC, kid=None),
    changed(EC, kid=""),
    changed(EC, kid=1),
    changed(EC, kid=["odd"]),
    changed(EC, kid={"odd": 1}),
    changed(EC, kid="x" * 257),
    changed(EC, kty=None),
    changed(EC, kty=1),
    changed(EC, kty=["EC"]),
    changed(EC, kty="RSA"),
    changed(RSA, kty="EC"),
    changed(EC, x=None),
    changed(EC, x=1),
    changed(EC, x=[]),
    changed(EC, x=""),
    changed(EC, x="!!!!"),
    changed(EC, x="é" * 43),
    changed(EC, x="A"),
    changed(EC, x="A" * 42),
    changed(EC, x="A" * 43),
    changed(EC, y="A" * 100_000),
    changed(EC, y=EC["x"]),
    changed(RSA, n=None),
    changed(RSA, e=None),
    changed(RSA, n=65_537),
    changed(RSA, n=["AQAB"]),
    changed(RSA, n="n=="),
    changed(RSA, n="a b"),
    changed(RSA, n="AQAB"),
    changed(RSA, n="_" * 2000),
    changed(RSA, n="_" * 200_000),
    changed(RSA, e="AA"),
    changed(RSA, e="AQ"),
    changed(RSA, e="Ag"),
    changed(RSA, e=RSA["n"]),
    changed(RSA, e={}),
    changed(RSA | SMALL),
    changed(EC | PRIVATE),
    changed(EC, d="AQAB"),
]
OTHERS = [
    changed(EC, use="enc"),
    changed(EC, use=["sig"]),
    changed(EC, use={"sig": 1}),
    changed(EC, alg="ES384"),
    changed(EC, alg=["ES256"]),
    changed(EC, alg={"ES256": 1}),
    changed(EC, alg=""),
    changed(EC, crv="P-999"),
    changed(EC, crv=["P-256"]),
    changed(EC | P384),
    changed(EC, key_ops=["encrypt"]),
    changed(EC, key_ops="verify"),
    changed(EC, key_ops={"verify": 1}),
    changed(RSA, alg="RS512"),
    changed(RSA, alg="PS256"),
    changed(RSA, alg="none"),
    {"kid": "odd", "kty": "oct", "k": "c2VjcmV0"},
    {"kid": "odd", "kty": "oct"},
    {"kid": "odd", "kty": "OKP", "crv": "Ed25519", "x": EC["x"]},
    {"kid": "odd", "kty": "OKP"},
    {"kid": "odd", "kty": "AKP", "alg": "ML-DSA-44"},
]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_key_costs_that_key_only_and_the_operator_hears_of_it(
    odd: object, logged: LogLines
) -> None:
    assert names(odd, EC, RSA) == ["ec", "rsa"]
    [line] = logged.lines
    assert (line["level"], line["odd"], line["used"]) == ("WARNING", 1, 2)


@pytest.mark.parametrize("other", OTHERS)
def test_a_key_for_something_else_is_left_out_and_is_no_news(
    other: object, logged: LogLines
) -> None:
    assert names(other, RSA, EC) == ["rsa", "ec"]
    assert not logged.text


@pytest.mark.parametrize(
    "members",
    [
        {"use": None, "key_ops": ["sign", "verify"]},
        {"alg": "ES256", "use": "sig", "x5c": [1], "x5t": {}, "ext": "odd", "nbf": -1},
    ],
)
def test_a_key_may_say_more_than_it_needs(members: dict[str, Any]) -> None:
    assert names(changed(EC, **members)) == ["odd"]


def test_of_two_keys_with_one_id_the_first_counts_and_an_odd_one_is_not_first(
    made_issuer: Issuer,
) -> None:
    of_others = changed(json.loads(made_issuer.answer[1])["keys"][1])
    first, second = changed(EC), of_others
    keys = signing_keys(json.dumps({"keys": [changed(EC, x="!"), first, second]}).encode())
    alone = signing_keys(json.dumps({"keys": [first]}).encode())
    assert keys["odd"] is alone["odd"]


def test_a_key_that_is_published_again_is_the_same_and_changed_ones_are_not() -> None:
    body = json.dumps({"keys": [EC, RSA]}).encode()
    before, after = signing_keys(body), signing_keys(body)
    assert before["ec"] is after["ec"]
    assert before["rsa"] is after["rsa"]
    other = changed(EC, kid="other")
    assert signing_keys(json.dumps({"keys": [other]}).encode())["other"] is not before["ec"]


def test_more_keys_than_are_remembered_are_all_used() -> None:
    many = [changed(EC, kid=f"key-{number}") for number in range(KEYS_KNOWN + 10)]
    assert len(names(*many)) == KEYS_KNOWN + 10


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"keys"',
        b'{"keys":null}',
        b'{"keys":{}}',
        b'{"keys":"keys"}',
        b'{"keys":[]}',
        b'{"keys":[1,null,"x",[]]}',
        b'{"keys":' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b"<html>maintenance</html>",
    ],
)
def test_a_response_without_a_key_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of JSON, of Unicode or of ours
        signing_keys(body)


def test_a_response_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(RecursionError):
        signing_keys(b"[" * 100_000)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([EC["x"], RSA["n"]]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
MEMBERS = st.sampled_from(
    ["kty", "kid", "use", "alg", "key_ops", "crv", "x", "y", "n", "e", "d", "k", "oth", "x5c"]
)
KEYS = st.builds(
    lambda key, changes: key | changes,
    st.sampled_from([EC, RSA, {}]),
    st.dictionaries(MEMBERS, VALUES, min_size=1, max_size=4),
)


@given(odd=st.lists(KEYS | VALUES, max_size=4))
def test_no_key_beside_a_good_one_makes_it_useless(odd: list[object]) -> None:
    assert "good" in names(changed(EC, kid="good"), *odd)
