"""One question to an issuer over HTTP, with one deadline over all of it.

A timeout of a socket begins again with each byte, so a server that sends one byte a second could
hold its client for hours: in the headers, too, which http.client reads byte by byte if need be.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

# Some hundred keys; known issuers have two to five.
RESPONSE_BYTES_MAX = 256 * 1024
OK = 200
HTTP, HTTPS = 80, 443


def get(url: str, timeout_s: float) -> bytes:
    """Return the response's body; raise OSError, HTTPException or ValueError.

    Redirects are not followed. It takes `timeout_s` at most, besides the look-up of the name,
    which the system alone can end.
    """
    until, parts = _Until(timeout_s), urlsplit(url)
    is_https = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (HTTPS if is_https else HTTP)
    connected = _connected(host, port, until)
    try:
        connection = HTTPConnection(host, parts.port)
        if is_https:
            context = ssl.create_default_context()
            connection = HTTPSConnection(host, parts.port, context=context)
            connected.settimeout(until.left_s())
            connected = context.wrap_socket(connected, server_hostname=host)
        connection.sock = _Socket(connected, until)
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request("GET", target, headers={"Accept": "application/json"})
        return _body(connection)
    finally:
        connected.close()


class _Until:
    """The end of an exchange."""

    def __init__(self, timeout_s: float) -> None:
        self._end_s = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Return how much time is left; raise TimeoutError where none is."""
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s


class _Socket:
    """What http.client needs of a socket; each call has the time that is left, not its own."""

    def __init__(self, connected: socket.socket, until: _Until) -> None:
        self._connected = connected
        self._until = until

    def sendall(self, data: bytes) -> None:
        """Send all."""
        self._connected.settimeout(self._until.left_s())
        self._connected.sendall(data)

    def makefile(self, *_: Any) -> io.BufferedReader:
        """Return what is received."""
        return io.BufferedReader(_Received(self._connected, self._until))

    def close(self) -> None:
        """Leave the socket open: http.client closes its own before it has read the response."""


class _Received(io.RawIOBase):
    def __init__(self, connected: socket.socket, until: _Until) -> None:
        self._connected = connected
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connected.settimeout(self._until.left_s())
        return self._connected.recv_into(buffer)


def _connected(host: str, port: int, until: _Until) -> socket.socket:
    """Connect to the first address that answers; each has half of the time that is left."""
    failure = OSError("the issuer's name has no address")
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            return socket.create_connection((str(address[0]), port), until.left_s() / 2)
        except OSError as error:
            failure = error
    raise failure


def _body(connection: HTTPConnection) -> bytes:
    response = connection.getresponse()
    if response.status != OK:
        message = f"status {response.status}"
        raise HTTPException(message)
    body = response.read(RESPONSE_BYTES_MAX + 1)
    if len(body) > RESPONSE_BYTES_MAX:
        message = f"more than {RESPONSE_BYTES_MAX} bytes"
        raise HTTPException(message)
    return body
