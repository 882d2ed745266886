"""An HTTP request, read from API Gateway's REST proxy event (payload 1.0).

Chalice's local gateway leaves out several of the event's fields and gives the body as bytes, so
nothing here requires more than it gives.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.domain.errors import (
    CampaignNotFoundError,
    InvalidRequestError,
    PayloadTooLargeError,
)
from handlers.domain.identifiers import is_campaign_id
from handlers.edge.http.client_ip import rate_limit_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BODY_BYTES_MAX = 16 * 1024
REFUSING_WEIGHT = re.compile(r"q=0(\.0{0,3})?")  # RFC 9110, section 12.4.2
REQUEST_ID = re.compile(r"[\w=+/.:-]{1,128}", re.ASCII)  # API Gateway's has 36 characters


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the handlers use it."""

    request_id: str
    log_fields: dict[str, Any]  # what the handler adds to this request's log line
    headers: Mapping[str, str]  # names in lower case
    path: Mapping[str, str]  # path parameters
    query: Mapping[str, str]  # the last value of each
    body: bytes
    context: Mapping[str, Any]  # API Gateway's own data on the request; a client cannot set it

    @classmethod
    def of(cls, event: Mapping[str, Any], request_id: str, log_fields: dict[str, Any]) -> Request:
        """Read an event; raise PayloadTooLargeError or InvalidRequestError for a bad body."""
        return cls(
            request_id=request_id,
            log_fields=log_fields,
            headers=_headers(event),
            path=event.get("pathParameters") or {},
            query=_query(event),
            body=_body(event),
            context=event.get("requestContext") or {},
        )

    def campaign_id(self) -> str:
        """Return the path's campaign id; raise CampaignNotFoundError for one that cannot exist."""
        campaign_id = self.path.get("id", "")
        if not is_campaign_id(campaign_id):
            raise CampaignNotFoundError
        return campaign_id

    def address(self) -> str:
        """Return the client address's key for the rate limit; "" where it is not known.

        X-Forwarded-For is not used: any client can set it.
        """
        source = (self.context.get("identity") or {}).get("sourceIp")
        return rate_limit_key(source) if isinstance(source, str) else ""

    def json_object(self) -> dict[str, Any]:
        """Return the body as a JSON object; raise InvalidRequestError when it is not one."""
        try:
            parsed = json.loads(
                self.body.decode(), object_pairs_hook=_once_each, parse_constant=_refuse
            )
        except (ValueError, RecursionError) as error:
            message = "body: must be a JSON object in UTF-8"
            raise InvalidRequestError(message) from error
        if not isinstance(parsed, dict):
            message = "body: must be a JSON object in UTF-8"
            raise InvalidRequestError(message)
        return parsed

    def wants_csv(self) -> bool:
        """Return whether Accept names CSV, in any letter case, and not with q=0."""
        for part in self.headers.get("accept", "").lower().split(","):
            media_type, *parameters = (text.strip() for text in part.split(";"))
            if media_type == "text/csv":
                return not any(REFUSING_WEIGHT.fullmatch(text) for text in parameters)
        return False

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """Return a whole number from the query; raise InvalidRequestError naming it."""
        text = self.query.get(name)
        if text is None:
            return default
        # Check the length first: int() of thousands of digits would itself be an attack.
        if text.isascii() and text.isdecimal() and len(text) <= len(str(highest)):
            number = int(text)
            if lowest <= number <= highest:
                return number
        message = f"{name}: must be a whole number from {lowest} to {highest}"
        raise InvalidRequestError(message)

    def choice(self, name: str, values: Iterable[str]) -> str | None:
        """Return one of `values` from the query, None where it is not given; raise as `number`."""
        text = self.query.get(name)
        if text is None or text in set(values):
            return text
        message = f"{name}: must be one of {', '.join(values)}"
        raise InvalidRequestError(message)


def request_id_of(event: Mapping[str, Any]) -> str:
    """Return API Gateway's id of this request, or a new one where the event has no sound one."""
    given = (event.get("requestContext") or {}).get("requestId")
    # It goes into headers and log lines, and the event may be forged.
    if isinstance(given, str) and REQUEST_ID.fullmatch(given):
        return given
    return str(uuid.uuid4())


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Reject an object with a duplicate name: other parsers might read the other value."""
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        message = "duplicate name"
        raise ValueError(message)
    return parsed


def _refuse(constant: str) -> None:
    """Reject NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(constant)


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    single = event.get("headers") or {}
    if not single:
        several = event.get("multiValueHeaders") or {}
        single = {name: values[-1] for name, values in several.items() if values}
    return {name.lower(): value for name, value in single.items() if value is not None}


def _query(event: Mapping[str, Any]) -> Mapping[str, str]:
    single = event.get("queryStringParameters")
    if single:
        return dict(single)
    several = event.get("multiValueQueryStringParameters") or {}
    return {name: values[-1] for name, values in several.items() if values}


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or b""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
    if event.get("isBase64Encoded"):
        if len(raw) > BODY_BYTES_MAX * 4 // 3 + 4:
            raise PayloadTooLargeError
        try:
            raw = base64.b64decode(raw, validate=True)
        except binascii.Error as error:
            message = "body: is no base64"
            raise InvalidRequestError(message) from error
    if len(raw) > BODY_BYTES_MAX:
        raise PayloadTooLargeError
    return raw
