"""The problems (RFC 9457): every code with its status, its headers and what it says by itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from handlers.api.operation import ref
from handlers.domain.admission import Outcome
from handlers.domain.errors import ServiceError
from handlers.edge.http.admission import REJECTIONS
from handlers.edge.http.response import STATUS, title

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from handlers.api.operation import Operation, Schema

MEDIA = "application/problem+json"
# Any call may answer with these. A body that is too long is refused wherever it is sent.
OF_EVERY_CALL = ("PAYLOAD_TOO_LARGE", "INTERNAL", "UNAVAILABLE")
# The homes answer these themselves, before a handler is called (local/gateway/).
OF_A_BODY = ("INVALID_REQUEST", "TIMEOUT")
STATUS_OF_HOMES = {
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "METHOD_NOT_ALLOWED": HTTPStatus.METHOD_NOT_ALLOWED,
    "TIMEOUT": HTTPStatus.REQUEST_TIMEOUT,
    "LENGTH_REQUIRED": HTTPStatus.LENGTH_REQUIRED,
}
EVERY_STATUS = STATUS | STATUS_OF_HOMES
# What codes say that are of no error class and no rejection.
OTHER_DETAILS = {
    "INTERNAL": "Something went wrong on our side.",
    "METHOD_NOT_ALLOWED": "This path answers to GET, HEAD.",
    "TIMEOUT": "The body took longer than 10 s.",
    "LENGTH_REQUIRED": "The body's length must be in Content-Length.",
}
# What codes say of which several errors say different things.
COMMON_DETAILS = {
    "FORBIDDEN": "The token does not have the scope that this call needs.",
    "TOO_MANY_REQUESTS": REJECTIONS[Outcome.TOO_MANY_REQUESTS],
}
# Codes with which the header is always there.
RETRY_AFTER = {"UNAVAILABLE", "TOO_MANY_REQUESTS", "NOT_OPEN", "NEXT_RELEASE", "PAUSED"}


def details() -> dict[str, str]:
    """Return what each code says where nothing more particular is known, by code."""
    of_errors = {one.code: str(one()) for one in _classes(ServiceError)}
    of_rejections = {outcome.value: text for outcome, text in REJECTIONS.items()}
    return {**OTHER_DETAILS, **of_rejections, **of_errors, **COMMON_DETAILS}


def codes_of(operation: Operation) -> dict[HTTPStatus, list[str]]:
    """Return the codes that an operation may answer with, by status."""
    of_body = OF_A_BODY if operation.body else ()
    codes = (*operation.caller.codes, *operation.problems, *of_body, *OF_EVERY_CALL)
    found: dict[HTTPStatus, list[str]] = {}
    for code in dict.fromkeys(codes):
        found.setdefault(EVERY_STATUS[code], []).append(code)
    return dict(sorted(found.items()))


class Problems:
    """The responses of all operations that are problems, each set of codes once."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {
            "Problem": _schema(dict.fromkeys(sorted(EVERY_STATUS), ""), None, {})
        }
        self.responses: dict[str, Schema] = {}

    def of(self, operation: Operation) -> dict[str, Schema]:
        """Return an operation's problems by status; keep what they refer to."""
        return {
            str(status.value): {"$ref": f"#/components/responses/{self._kept(operation, codes)}"}
            for status, codes in codes_of(operation).items()
        }

    def _kept(self, operation: Operation, codes: Sequence[str]) -> str:
        status = EVERY_STATUS[codes[0]]
        members: dict[str, Schema] = {}
        for code in codes:
            members |= operation.members.get(code, {})
        final = {code: text for code, text in operation.final.items() if code in codes}
        is_shared = len(codes) == 1 and not members and not final
        name = _camel(codes[0]) if is_shared else f"{_camel(operation.id)}{status.value}"
        schema = f"{name}Problem"
        if name not in self.responses:
            known = details() | final
            self.schemas[schema] = _schema({code: known[code] for code in codes}, status, members)
            again = RETRY_AFTER - {*final}
            self.responses[name] = _response({code: known[code] for code in codes}, schema, again)
        return name


def _classes(of: type[ServiceError]) -> Iterator[type[ServiceError]]:
    """Yield the classes that have a code of their own, each before those below it."""
    for one in of.__subclasses__():
        if "code" in vars(one):
            yield one
        yield from _classes(one)


def _camel(text: str) -> str:
    if "_" in text or text.isupper():
        return "".join(word.capitalize() for word in text.split("_"))
    return text[0].upper() + text[1:]


def _schema(
    codes: Mapping[str, str], status: HTTPStatus | None, members: Mapping[str, Schema]
) -> Schema:
    """Return the schema of a problem with one of these codes; status None: with any."""
    any_status = {"type": "integer", "minimum": 400, "maximum": 599}
    meanings = "\n".join(f"- `{code}`: {text}" for code, text in codes.items())
    return {
        "type": "object",
        "description": "A problem (RFC 9457)."
        if status is None
        else f"{title(status)}. By `code`:\n\n{meanings}",
        "properties": {
            "type": {"type": "string", "const": "about:blank"},
            "title": {"type": "string", "description": "The status in words."},
            "status": {"type": "integer", "const": status.value} if status else any_status,
            "detail": {"type": "string", "description": "What is wrong, for people."},
            "code": {
                "type": "string",
                "enum": list(codes),
                "description": "What is wrong, for programs. It stays the same.",
            },
            "request_id": {"type": "string", "description": "Also in the service's log."},
            **members,
        },
        "required": ["type", "title", "status", "detail", "code", "request_id"],
    }


def _response(codes: Mapping[str, str], schema: str, again: AbstractSet[str]) -> Schema:
    """Return a response with one of these codes; `again`: those that come with Retry-After."""
    headers: dict[str, Any] = {}
    if any(code in again for code in codes):
        always = all(code in again for code in codes)
        name = "Retry-After" if always else "Retry-After-Sometimes"
        headers["Retry-After"] = {"$ref": f"#/components/headers/{name}"}
    if "UNAUTHENTICATED" in codes:
        headers["WWW-Authenticate"] = {"$ref": "#/components/headers/WWW-Authenticate"}
    return {
        "description": " ".join(f"`{code}`: {text}" for code, text in codes.items()),
        **({"headers": headers} if headers else {}),
        "content": {
            MEDIA: {
                "schema": ref(schema),
                "examples": {code: {"value": _example(code, text)} for code, text in codes.items()},
            }
        },
    }


def _example(code: str, detail: str) -> dict[str, Any]:
    status = EVERY_STATUS[code]
    return {
        "type": "about:blank",
        "title": title(status),
        "status": status.value,
        "detail": detail,
        "code": code,
        "request_id": "0f4c4d6e-5a3e-4c8a-9f36-3f6c3a3f1d5c",
    }
