"""A webhook: an address that an administrator wants to be sent events."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from handlers.domain import times
from handlers.domain.errors import InvalidRequestError, WebhookNotFoundError
from handlers.domain.webhook_event import WebhookEventKind

if TYPE_CHECKING:
    from collections.abc import Mapping

WEBHOOK_ID = re.compile(r"wh_[0-9a-f]{24}", re.ASCII)
# Everything that a request line may have, so that a path goes out as it was given.
URL = re.compile(r"[!-~]{1,2000}", re.ASCII)
DESCRIPTION_LENGTH_MAX = 200
# Each active one adds a row to every event that it wants, and has a connection of its own.
WEBHOOKS_MAX = 32
# How long the secret before a rotation signs as well: unless it is said, and at most.
PREVIOUS_S, PREVIOUS_S_MAX = 86_400, 7 * 86_400
FIELDS = frozenset({"url", "kinds", "description"})


class WebhookState(StrEnum):
    """Whether a webhook is sent events; GONE: its receiver answered 410."""

    ACTIVE = "ACTIVE"
    OFF = "OFF"
    GONE = "GONE"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class WebhookWish:
    """What an administrator says of a webhook; None: as it is.

    active: False sends it nothing until it is True again; so it is brought back from GONE.
    """

    url: str | None = None
    kinds: tuple[str, ...] | None = None
    description: str | None = None
    active: bool | None = None

    @classmethod
    def of_new(cls, body: Mapping[str, object], schemes: tuple[str, ...]) -> WebhookWish:
        """Check what a new webhook is to be; raise InvalidRequestError naming the bad field."""
        _refuse_unknown(body, FIELDS)
        for name in ("url", "kinds"):
            if name not in body:
                message = f"{name}: must be given"
                raise InvalidRequestError(message)
        return cls._checked({"description": ""} | dict(body), schemes)

    @classmethod
    def of_change(cls, body: Mapping[str, object], schemes: tuple[str, ...]) -> WebhookWish:
        """Check a change, which has at least one field; raise as `of_new`."""
        _refuse_unknown(body, FIELDS | {"active"})
        if not body:
            message = "body: must have url, kinds, description or active"
            raise InvalidRequestError(message)
        return cls._checked(body, schemes)

    @classmethod
    def _checked(cls, body: Mapping[str, object], schemes: tuple[str, ...]) -> WebhookWish:
        return cls(
            url=webhook_url(body["url"], schemes) if "url" in body else None,
            kinds=_kinds(body["kinds"]) if "kinds" in body else None,
            description=_description(body["description"]) if "description" in body else None,
            active=_active(body["active"]) if "active" in body else None,
        )


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as it is stored.

    generations: of the secrets that sign its requests, the newest one first.
    previous_until_ms: when the older ones end; None where there are none.
    failures: batches in a row of which none arrived.
    """

    id: str
    url: str
    kinds: tuple[str, ...]
    description: str
    state: WebhookState
    generations: tuple[int, ...]
    previous_until_ms: int | None
    failures: int
    created_at_ms: int

    def to_json(self) -> dict[str, Any]:
        """Return what an administrator sees: everything, without a secret."""
        until_ms = self.previous_until_ms
        return {
            "id": self.id,
            "url": self.url,
            "kinds": list(self.kinds),
            "description": self.description,
            "state": self.state.value,
            "secrets": len(self.generations),
            "previous_secret_until": None if until_ms is None else times.to_iso(until_ms),
            "failures": self.failures,
            "created_at": times.to_iso(self.created_at_ms),
        }


def webhook_id(value: object) -> str:
    """Return the id of a path; raise WebhookNotFoundError for one that cannot exist."""
    if isinstance(value, str) and WEBHOOK_ID.fullmatch(value):
        return value
    raise WebhookNotFoundError


def webhook_url(value: object, schemes: tuple[str, ...]) -> str:
    """Return a URL that requests can be sent to; raise InvalidRequestError."""
    expected = " or ".join(f"{scheme}://" for scheme in schemes)
    message = (
        f"url: must be {expected}host[:port]/path, at most 2000 printable ASCII characters, "
        "without user, password and fragment"
    )
    if not isinstance(value, str) or not URL.fullmatch(value) or "#" in value:
        raise InvalidRequestError(message)
    try:
        parts = urlsplit(value)
        host_of(parts)
    except ValueError as error:
        raise InvalidRequestError(message) from error
    if parts.scheme not in schemes or "@" in parts.netloc:
        raise InvalidRequestError(message)
    return value


def host_of(parts: SplitResult) -> tuple[str, int]:
    """Return host and port of a URL; raise ValueError where it has no host or a wrong port."""
    port = parts.port if parts.port is not None else {"https": 443, "http": 80}.get(parts.scheme)
    if not parts.hostname or not port:
        message = "no host, or a port of 0"
        raise ValueError(message)
    parts.hostname.encode("idna")  # raises UnicodeError, which is a ValueError, for an empty label
    return parts.hostname, port


def previous_secret_s(body: Mapping[str, object]) -> int:
    """Return for how many seconds the secret before a rotation signs as well."""
    _refuse_unknown(body, frozenset({"previous_secret_s"}))
    value = body.get("previous_secret_s", PREVIOUS_S)
    if type(value) is int and 0 <= value <= PREVIOUS_S_MAX:
        return value
    message = f"previous_secret_s: must be a whole number from 0 to {PREVIOUS_S_MAX}"
    raise InvalidRequestError(message)


def _refuse_unknown(body: Mapping[str, object], known: frozenset[str]) -> None:
    for unknown in sorted(body.keys() - known):
        message = f"{unknown[:64]!r} must not be given here"
        raise InvalidRequestError(message)


def _kinds(value: object) -> tuple[str, ...]:
    known = list(WebhookEventKind)
    if isinstance(value, list) and value and all(kind in known for kind in value):
        return tuple(kind.value for kind in known if kind in value)  # each once, in our order
    message = f"kinds: must be a list with at least one of {', '.join(known)}"
    raise InvalidRequestError(message)


def _description(value: object) -> str:
    if isinstance(value, str) and len(value) <= DESCRIPTION_LENGTH_MAX and _is_printable(value):
        return value
    message = f"description: must be at most {DESCRIPTION_LENGTH_MAX} printable characters"
    raise InvalidRequestError(message)


def _is_printable(text: str) -> bool:
    # A lone surrogate is not printable, and UTF-8 does not have it.
    return not text or text.isprintable()


def _active(value: object) -> bool:
    if isinstance(value, bool):
        return value
    message = "active: must be true or false"
    raise InvalidRequestError(message)
