"""Bytes that are nearly HTTP/1.1, drawn from a random generator: whole, bent, lying, piped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.support import ADMIN, campaign_body, mint

if TYPE_CHECKING:
    from random import Random

CAMPAIGNS = (
    "welcome",
    "welcome",
    "sold-out",
    "scheduled",
    "closed",
    "missing",
    "..",
    "%2e%2e",
    "%00",
    "",
)
CALLS = (
    "POST /campaigns/{}/apply",
    "POST /campaigns/{}/apply",
    "GET /campaigns/{}/coupon",
    "GET /campaigns/{}/coupons",
    "GET /campaigns/{}/stats",
    "GET /campaigns/{}/reconciliation",
    "GET /campaigns/{}",
    "GET /campaigns",
    "POST /campaigns",
    "GET /failed-events",
    "POST /failed-events/redrive",
    "GET /health",
    "HEAD /ready",
)
METHODS = (
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "get",
    "X",
)
QUERIES = (
    "",
    "?limit=5",
    "?limit=%31%30",
    "?limit=-1&limit=2",
    "?after=99999999999999999999999",
    "?limit=%EF%BC%91",
    "?status=%00",
    "?status=DEAD;DROP",
    "?user_id=%27%20OR%201=1--",
    "?campaign_id=%ff%fe",
    "?%",
    "?&&==&",
    "?" + "a=1&" * 500,
)
# Whole paths that take a turn: encoded slashes, double encoding, other forms of a target.
TRICKS = (
    "/campaigns%2Fwelcome%2Fapply",
    "/campaigns/welcome%252Fapply",
    "/campaigns/../failed-events",
    "/campaigns/%2e%2e/%2e%2e/etc/passwd",
    "//campaigns//welcome",
    "/campaigns/welcome/",
    "/campaigns/welcome%00/apply",
    "/campaigns/%C0%AF",
    "/campaigns/%F0%9F%8E%9F/apply",
    "/campaigns/%ZZ",
    "/campaigns/a;b=c/apply",
    "/CAMPAIGNS",
    "http://elsewhere/health",
    "*",
    "elsewhere:443",
    "/" + "a" * 5_000,
    "/campaigns/" + "a" * 60_000 + "/apply",
    "/campaigns/welcome#fragment",
    "/\xff\xfe",
    "",
)
HEADERS = (
    "Accept: text/csv",
    "ACCEPT: TEXT/CSV;Q=0",
    "aCCept: */*, text/csv;q=x",
    "Content-Type: application/json; charset=utf-16",
    "Authorization: Basic YTpi",
    "Authorization: Bearer",
    "Authorization: Bearer " + "a" * 20_000,
    "Cookie: " + "a=b;" * 1000,
    "X-Forwarded-For: ${jndi:ldap://a}, ' OR 1=1",
    "X-HTTP-Method-Override: DELETE",
    "Content_Length: 5",
    "Transfer_Encoding: chunked",
    "Upgrade: h2c",
    "Connection: Upgrade, HTTP2-Settings",
    "Proxy: http://elsewhere",
    "X-Latin: \xe9\xff",
    "Range: bytes=0-18446744073709551616",
    "If-None-Match: *",
    "Host: elsewhere",
)
BROKEN_HEADERS = (
    "No colon",
    ": no name",
    "Space : before",
    " folded",
    "Nul: a\0b",
    "Bare: a\rb",
    "Na\0me: a",
    "N\xe4me: a",
    "X" * 70_000 + ": a",
    "\n".join(f"X-{n}: a" for n in range(300)),
    "Content-Length: -1",
    "Content-Length: 1\r\nContent-Length: 2",
    "Content-Length: 99999999999999999999999999",
    "Content-Length: 0x10",
    "Content-Length: +5",
    "Content-Length: \xb2",
    "Content-Length: " + "9" * 5000,
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: gzip",
    "Expect: 100-continue",
    "Expect: nonsense",
)
REQUEST_LINES = (
    "GET",
    "GET /health",
    "GET  /health HTTP/1.1",
    "GET /health HTTP/9.9",
    "GET /health HTTP/1.0",
    "GET /health HTTP/1.1 HTTP/1.1",
    "GET\t/health\tHTTP/1.1",
    "/health GET HTTP/1.1",
    "PRI * HTTP/2.0",
    "GET /a b HTTP/1.1",
    "\x16\x03\x01\x02",
    "GET /health http/1.1",
    "\0\0\0\0",
    "G\xe9T /health HTTP/1.1",
    "A" * 100_000,
)
CHUNKS = (
    "5\r\nhello\r\n0\r\n\r\n",
    "5;ext=1\r\nhello\r\n0\r\nTrailer: a\r\n\r\n",
    "fffffffffffffffff\r\nhello\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "5\r\nhel\r\n0\r\n\r\n",
    "zz\r\nhello\r\n0\r\n\r\n",
    "5\nhello\n0\n\n",
    "\r\n0\r\n\r\n",
    "5\r\nhello",
    "0" * 3000 + "5\r\nhello\r\n0\r\n\r\n",
    "".join("1\r\n{\r\n" for _ in range(400)) + "0\r\n\r\n",
    "4fff\r\n" + "x" * 0x4FFF + "\r\n0\r\n\r\n",
)
BODIES: tuple[bytes, ...] = (
    b"{}",
    b"[" * 16_000,
    b'{"a":' * 3000,
    b'{"quantity":' + b"9" * 5000 + b"}",
    b'{"quantity":NaN,"quantity":Infinity}',
    b'{"name":"\\ud800"}',
    b"\xef\xbb\xbf{}",
    '{"id":"a"}'.encode("utf-16"),
    b"\x00\xff" * 50,
    b"x" * 17_000,
    b"",
)


class Script(NamedTuple):
    """What goes over one connection, and how many requests that is meant to be."""

    data: bytes
    requests: int


@dataclass
class Author:
    """Draws scripts; the same generator state gives the same script, tokens aside."""

    random: Random
    tokens: tuple[str, ...]

    @classmethod
    def of(cls, random: Random) -> Author:
        day_s = 86_400
        user, admin = mint("42", ttl_s=day_s), mint("admin", ADMIN, ttl_s=day_s)
        users = [mint(f"user-{number}", ttl_s=day_s) for number in range(5)]
        expired = mint("42", ttl_s=-60)
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
                f"{user}x",
                user.rpartition(".")[0] + ".",
            ),
        )

    def script(self) -> Script:
        """Return the bytes of one connection: one request, or some in a row."""
        requests = self.random.choice((1, 1, 1, 1, 2, 3, 5))
        parts = [self._request() for _ in range(requests - 1)]
        parts.append(self._request("Connection: close"))
        return Script(b"".join(parts), requests)

    def _request(self, *headers: str) -> bytes:
        draw = self.random.random()
        if draw < 0.2:
            return self._bent(self._whole(headers))
        if draw < 0.25:
            return self._odd_line(headers)
        if draw < 0.35:
            return self._whole((*headers, self.random.choice(BROKEN_HEADERS)))
        if draw < 0.45:
            return self._chunked(headers)
        if draw < 0.52:
            return self._whole(headers, lie=self.random.choice((-3, -1, 1, 7, 20_000, 10**7)))
        return self._whole(headers)

    def _whole(self, headers: tuple[str, ...], lie: int = 0) -> bytes:
        body = self._body()
        length = max(0, len(body) + lie)
        lines = [self._line(), *self._headers(), *headers]
        if body or lie:
            lines.append(f"Content-Length: {length}")
        return self._joined(lines) + body

    def _chunked(self, headers: tuple[str, ...]) -> bytes:
        lines = [self._line(), *self._headers(), *headers, "Transfer-Encoding: chunked"]
        if self.random.random() < 0.3:
            lines.insert(self.random.randint(1, len(lines)), "Content-Length: 5")
        return self._joined(lines) + self.random.choice(CHUNKS).encode("latin-1")

    def _odd_line(self, headers: tuple[str, ...]) -> bytes:
        return self._joined([self.random.choice(REQUEST_LINES), "Host: a", *headers])

    def _line(self) -> str:
        choose = self.random.choice
        if self.random.random() < 0.15:
            return f"{choose(METHODS)} {choose(TRICKS)} HTTP/1.1"
        method, _, path = choose(CALLS).format(choose(CAMPAIGNS)).partition(" ")
        if self.random.random() < 0.15:
            method = choose(METHODS)
        query = choose(QUERIES) if self.random.random() < 0.4 else ""
        return f"{method} {path}{query} HTTP/1.1"

    def _headers(self) -> list[str]:
        headers = ["Host: localhost"] * self.random.choice((1, 1, 1, 1, 0, 2))
        for _ in range(self.random.choice((0, 1, 1, 1, 1, 1, 1, 2))):
            name = self.random.choice(("Authorization", "authorization", "AUTHORIZATION"))
            headers.append(f"{name}: Bearer {self.random.choice(self.tokens)}")
        headers += self.random.sample(HEADERS, self.random.choice((0, 0, 1, 2)))
        return headers

    def _body(self) -> bytes:
        draw = self.random.random()
        if draw < 0.5:
            return b""
        if draw < 0.7:
            body = campaign_body(f"wire-{self.random.randint(0, 99)}")
            return json.dumps(body).encode()
        return self.random.choice(BODIES)

    def _bent(self, request: bytes) -> bytes:
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
