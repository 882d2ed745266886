"""handlers/edge/hs256.py: the library's HS256, and nothing that it would refuse."""

from __future__ import annotations

import hashlib
import hmac

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import HMACAlgorithm

from handlers.edge import hs256
from handlers.edge.hs256 import Hs256

OURS = Hs256(HMACAlgorithm.SHA256)
LIBRARYS = HMACAlgorithm(HMACAlgorithm.SHA256)
PUBLIC_KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)


@given(message=st.binary(), key=st.binary(min_size=1))
def test_it_signs_and_verifies_as_the_library_does(message: bytes, key: bytes) -> None:
    signature = hmac.new(key, message, hashlib.sha256).digest()
    assert OURS.sign(message, key) == LIBRARYS.sign(message, key) == signature
    assert OURS.verify(message, key, signature)
    assert not OURS.verify(message, key, signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not OURS.verify(message + b".", key, signature)


def test_a_secret_is_examined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "a secret that no other test has, of 32 bytes or more"
    assert OURS.prepare_key(secret) == secret.encode()
    monkeypatch.setattr(HMACAlgorithm, "prepare_key", lambda *_: pytest.fail("examined again"))
    assert OURS.prepare_key(secret) == secret.encode()


@pytest.mark.parametrize("key", [PUBLIC_KEY, PUBLIC_KEY.decode(), b"", "", '{"kty":"oct","k":""}'])
def test_what_the_library_takes_for_no_secret_is_refused_each_time(key: str | bytes) -> None:
    with pytest.raises(jwt.InvalidKeyError):
        LIBRARYS.prepare_key(key)
    for _ in range(2):
        with pytest.raises(jwt.InvalidKeyError):
            OURS.prepare_key(key)


def test_tokens_are_verified_by_it_however_often_it_is_installed() -> None:
    for _ in range(2):
        hs256.install()
        assert isinstance(jwt.get_algorithm_by_name("HS256"), Hs256)
