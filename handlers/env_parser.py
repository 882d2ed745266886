"""Reads settings from environment variables and rejects malformed ones."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

Word = TypeVar("Word", bound=StrEnum)

# RFC 7518, section 3.2: an HS256 key has at least as many bits as the hash. The same minimum
# applies to the coupon codes' HMAC-SHA256 key.
SECRET_BYTES_MIN = 32
# Secrets with this prefix are printed in this repository's examples, so they are public: only
# STAGE=local accepts them (handlers/production.py).
DEVELOPMENT_SECRET_PREFIX = "development-only-"  # noqa: S105 - see above
PORTS = range(1, 65_536)
PORT_DIGITS_MAX = 5


class ConfigurationError(Exception):
    """A setting is missing or malformed; the message names the variable, never a secret's value."""


def checked_secret(name: str, value: str) -> str:
    """Return a secret that is fit for HMAC-SHA256; raise ConfigurationError naming `name`."""
    if len(value.encode()) < SECRET_BYTES_MIN:
        message = f"{name} is shorter than {SECRET_BYTES_MIN} bytes"
        raise ConfigurationError(message)
    return value


class EnvParser:
    """Reads single variables; each error is a ConfigurationError that names the variable."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str | None = None) -> str:
        """Return the variable, or the default where it is not set."""
        value = self._environment.get(name, "").strip()
        if value:
            return value
        if default is None:
            message = f"{name} is not set"
            raise ConfigurationError(message)
        return default

    def exactly_one(self, *names: str) -> list[str]:
        """Return all values; exactly one of them is not empty."""
        values = self._one(names, "exactly")
        if not any(values):
            message = f"set exactly one of {', '.join(names)}: none is set"
            raise ConfigurationError(message)
        return values

    def at_most_one(self, *names: str) -> list[str]:
        """Return all values; no more than one of them is not empty."""
        return self._one(names, "at most")

    def _one(self, names: tuple[str, ...], how: str) -> list[str]:
        values = [self.text(name, "") for name in names]
        found = [name for name, value in zip(names, values, strict=True) if value]
        if len(found) > 1:
            message = f"set {how} one of {', '.join(names)}: {' and '.join(found)} are set"
            raise ConfigurationError(message)
        return values

    def secret(self, name: str) -> str:
        """Return a secret that is fit for HMAC-SHA256."""
        return checked_secret(name, self.text(name))

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        """Return a URL that begins with one of the schemes."""
        value = self.text(name)
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            expected = " or ".join(f"{scheme}://" for scheme in schemes)
            message = f"{name} must begin with {expected}"
            raise ConfigurationError(message)
        try:
            _ = urlsplit(value).port
        except ValueError:
            message = f"{name} has a malformed port; a password's / ? # [ ] @ must be escaped"
            raise ConfigurationError(message) from None  # the cause quotes a part of the URL
        return value

    def servers(self, name: str) -> tuple[str, ...]:
        """Return each of `host:port,host:port`."""
        servers = tuple(part.strip() for part in self.text(name).split(",") if part.strip())
        for server in servers or ("",):
            host, _, port = server.rpartition(":")
            # Check the length first: int() raises an error of its own for thousands of digits.
            is_port = port.isdecimal() and len(port) <= PORT_DIGITS_MAX and int(port) in PORTS
            if not host or not is_port:
                message = f"{name} must be host:port[,host:port…], not {server!r}"
                raise ConfigurationError(message)
        return servers

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """Return a whole number between bounds, both allowed."""
        value = self.text(name, str(default))
        is_short = value.isdecimal() and len(value) <= len(str(highest))
        if not is_short or not lowest <= int(value) <= highest:
            message = f"{name} must be a whole number from {lowest} to {highest}, not {value!r}"
            raise ConfigurationError(message)
        return int(value)

    def boolean(self, name: str, *, default: bool) -> bool:
        """Return a boolean that is written as on or off."""
        words = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
        value = self.text(name, "on" if default else "off").lower()
        if value not in words:
            message = f"{name} must be on or off, not {value!r}"
            raise ConfigurationError(message)
        return words[value]

    def one_of(self, words: type[Word], name: str, default: Word) -> Word:
        """Return one of the words."""
        value = self.text(name, default)
        try:
            return words(value)
        except ValueError as error:
            message = f"{name} must be one of {', '.join(words)}, not {value!r}"
            raise ConfigurationError(message) from error

    def words(self, words: type[Word], name: str) -> frozenset[Word]:
        """Return each of `word,word`; none where it is not set."""
        found = [part.strip() for part in self.text(name, "").split(",") if part.strip()]
        if unknown := [part for part in found if part not in set(words)]:
            message = f"{name}: must be some of {', '.join(words)}, not {', '.join(unknown)!r}"
            raise ConfigurationError(message)
        return frozenset(map(words, found))
