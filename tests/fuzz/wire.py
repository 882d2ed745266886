"""Bytes that are nearly HTTP/1.1, drawn from a random generator: valid, broken, false, piped."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from local.token import sign
from tests.fuzz import words
from tests.support.service import ADMIN, campaign_body, mint

if TYPE_CHECKING:
    from random import Random


class Script(NamedTuple):
    """The bytes for one connection, and how many requests they are meant to be."""

    data: bytes
    requests: int


@dataclass
class Author:
    """Draws scripts; the same generator state gives the same script, except for tokens."""

    random: Random
    tokens: tuple[str, ...]

    @classmethod
    def of(cls, random: Random) -> Author:
        day_s = 86_400
        user, admin = mint("42", ttl_s=day_s), mint("admin", ADMIN, ttl_s=day_s)
        users = [mint(f"user-{number}", ttl_s=day_s) for number in range(5)]
        expired = mint("42", ttl_s=-60)
        claims: dict[str, Any] = {"sub": "42", "exp": int(time.time()) + day_s // 2}
        secret = os.environ["AUTH_JWT_SECRET"]
        odd: tuple[dict[str, Any], ...] = (
            {"aud": "elsewhere"},
            {"aud": ["elsewhere", 1]},
            {"permissions": [ADMIN, {}]},
            {"scp": {ADMIN: 1}},
            {"exp": 10**400},
            {"iat": "yesterday"},
            {"events": {}},
        )
        others = [sign(claims | more, secret) for more in odd]
        return cls(
            random,
            (
                user,
                *users,
                admin,
                admin,
                admin,
                admin,
                expired,
                *others,
                f"{user}x",
                user.rpartition(".")[0] + ".",
            ),
        )

    def script(self) -> Script:
        """Return the bytes of one connection: one request, or several in a row."""
        requests = self.random.choice((1, 1, 1, 1, 2, 3, 5))
        parts = [self._request() for _ in range(requests - 1)]
        parts.append(self._request("Connection: close"))
        return Script(b"".join(parts), requests)

    def _request(self, *headers: str) -> bytes:
        draw = self.random.random()
        if draw < 0.2:
            return self._corrupted(self._whole(headers))
        if draw < 0.25:
            return self._odd_line(headers)
        if draw < 0.35:
            return self._whole((*headers, self.random.choice(words.BROKEN_HEADERS)))
        if draw < 0.45:
            return self._chunked(headers)
        if draw < 0.52:
            return self._whole(headers, error=self.random.choice((-3, -1, 1, 7, 20_000, 10**7)))
        return self._whole(headers)

    def _whole(self, headers: tuple[str, ...], error: int = 0) -> bytes:
        body = self._body()
        length = max(0, len(body) + error)
        lines = [self._line(), *self._headers(), *headers]
        if body or error:
            lines.append(f"Content-Length: {length}")
        return self._joined(lines) + body

    def _chunked(self, headers: tuple[str, ...]) -> bytes:
        lines = [self._line(), *self._headers(), *headers, "Transfer-Encoding: chunked"]
        if self.random.random() < 0.3:
            lines.insert(self.random.randint(1, len(lines)), "Content-Length: 5")
        return self._joined(lines) + self.random.choice(words.CHUNKS).encode("latin-1")

    def _odd_line(self, headers: tuple[str, ...]) -> bytes:
        return self._joined([self.random.choice(words.REQUEST_LINES), "Host: a", *headers])

    def _line(self) -> str:
        choose = self.random.choice
        if self.random.random() < 0.15:
            return f"{choose(words.METHODS)} {choose(words.TRICKS)} HTTP/1.1"
        method, _, path = choose(words.CALLS).format(choose(words.CAMPAIGNS)).partition(" ")
        if self.random.random() < 0.15:
            method = choose(words.METHODS)
        query = choose(words.QUERIES) if self.random.random() < 0.4 else ""
        return f"{method} {path}{query} HTTP/1.1"

    def _headers(self) -> list[str]:
        headers = ["Host: localhost"] * self.random.choice((1, 1, 1, 1, 0, 2))
        for _ in range(self.random.choice((0, 1, 1, 1, 1, 1, 1, 2))):
            name = self.random.choice(("Authorization", "authorization", "AUTHORIZATION"))
            headers.append(f"{name}: Bearer {self.random.choice(self.tokens)}")
        headers += self.random.sample(words.HEADERS, self.random.choice((0, 0, 1, 2)))
        return headers

    def _body(self) -> bytes:
        draw = self.random.random()
        if draw < 0.5:
            return b""
        if draw < 0.7:
            body = campaign_body(f"wire-{self.random.randint(0, 99)}")
            return json.dumps(body).encode()
        return self.random.choice(words.BODIES)

    def _corrupted(self, request: bytes) -> bytes:
        """Change some bytes, drop some, repeat some."""
        data = bytearray(request)
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(data))
            length = self.random.randint(1, 8)
            change = self.random.randrange(4)
            if change == 0:
                data[at] = self.random.randrange(256)
            elif change == 1 and len(data) > length:
                del data[at : at + length]
            elif change == 2:
                data[at:at] = data[at : at + length]
            else:
                data[at:at] = self.random.choice((b"\r\n", b"\n", b"\0", b"\xff", b" ", b":"))
            if not data:
                return b"\r\n"
        return bytes(data)

    @staticmethod
    def _joined(lines: list[str]) -> bytes:
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
