"""An issuer of tokens with an RS256 and an ES256 key, which a local HTTP server publishes."""

from __future__ import annotations

import base64
import json
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from handlers.token_rules import TokenRules
from local.token import sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The name of the tests' issuer, and of the service at it.
ISSUER, SHOP = "https://id.example.com/", "https://coupons.example.com"
OUR_RULES = TokenRules(issuer=ISSUER, audience=SHOP)
SECRET = "development-only-jwt-secret-of-32-bytes-or-more"


class Issuer:
    """Signs with its own keys; `answer` is its server's next response: a status and a body."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65_537, 2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.calls = 0
        keys = [
            {**RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True), "kid": "rsa"},
            {**ECAlgorithm.to_jwk(self.ec.public_key(), as_dict=True), "kid": "ec"},
        ]
        self.answer = (200, json.dumps({"keys": [{**key, "use": "sig"} for key in keys]}).encode())

    def sign(self, algorithm: str, kid: str | None = None, **claims: Any) -> str:
        key: Any = self.rsa if algorithm == "RS256" else self.ec
        headers = {"kid": kid or ("rsa" if algorithm == "RS256" else "ec")}
        return jwt.encode(good_claims() | claims, key, algorithm, headers)

    @contextmanager
    def served(self, pause_s: float = 0) -> Iterator[str]:
        """Serve the keys inside the block, byte by byte with `pause_s`; yield the address."""
        issuer = self
        closing = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.calls += 1
                status, body = issuer.answer
                self.send_response(status)
                self.end_headers()
                if not pause_s:
                    self.wfile.write(body)
                    return
                with suppress(OSError):  # the client has disconnected
                    for byte in body:
                        if closing.wait(pause_s):
                            return
                        self.wfile.write(bytes([byte]))

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/keys"
            finally:
                closing.set()
                server.shutdown()
                thread.join()


def good_claims() -> dict[str, Any]:
    return {"sub": "42", "exp": int(time.time()) + 600}


def encoded(
    header: dict[str, Any], claims: dict[str, Any], sign_bytes: Callable[[bytes], bytes]
) -> str:
    """Return a token with any header and claims, also those that a library would not write."""
    signed = b".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
    return b".".join((signed, _base64url(sign_bytes(signed)))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unsigned(header: dict[str, Any], claims: dict[str, Any] | None = None) -> str:
    """Return a token that any client can make: with these parts and a signature of zeros."""
    parts = [json.dumps(header).encode(), json.dumps(claims or good_claims()).encode(), b"\0" * 64]
    return b".".join(map(_base64url, parts)).decode()


def signed(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    """Sign any claims, as a careless issuer would."""
    return sign(claims, secret, algorithm)
