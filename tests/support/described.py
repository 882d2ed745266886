"""Compares what the service answers with its OpenAPI document.

An answer that has a member, a header or a code that the document does not name is an error as well:
a test sees what a client could come to depend on.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from handlers.api.document import document
from handlers.api.problems import MEDIA, STATUS_OF_HOMES
from handlers.routes import ROUTES
from local.gateway.routing import RouteTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The headers that tell a client what to do; others, such as Date, are HTTP's own.
TELLING = {"Retry-After", "Www-Authenticate", "Etag", "Location", "Allow"}
# Codes with which one of the homes refuses a request before it looks at what it is for.
BEFORE_ANY_CALL = {*STATUS_OF_HOMES, "PAYLOAD_TOO_LARGE"}
TABLE = RouteTable(ROUTES)
PROBLEM = "#/components/schemas/Problem"


class UndescribedError(AssertionError):
    """The service has answered something that its description does not say."""


def check_answer(
    method: str, path: str, status: int, headers: Mapping[str, str], body: object
) -> None:
    """Raise UndescribedError unless this answer is one that the document describes.

    path: as sent, or a template of the route table. body: parsed JSON, or text of any other type.
    """
    wrong = list(_complaints(method, path, status, headers, body))
    if wrong:
        shown = f"{method} {path} answered {status} {body!r:.500}"
        raise UndescribedError("\n".join([shown, *wrong]))


def complaints_about_delivery(headers: Mapping[str, str], body: str) -> list[str]:
    """Return what of a request to a webhook is not as the document describes it."""
    content = json.loads(body)
    described = _document()["webhooks"].get(content.get("type"))
    if described is None:
        return [f"{content.get('type')} is not described"]
    operation = resolved(described["post"])
    media = headers.get("content-type", "")
    if media not in operation["requestBody"]["content"]:
        return [f"the type {media!r} is not described"]
    wrong = list(_errors(operation["requestBody"]["content"][media]["schema"], content))
    by_name = {one["name"]: one["schema"] for one in operation["parameters"]}
    sent = {name for name in headers if name.startswith("webhook-")}
    wrong += [f"the headers {sorted(sent ^ by_name.keys())}"] if sent ^ by_name.keys() else []
    for name in sent & by_name.keys():
        wrong += _errors(by_name[name], headers[name])
    return wrong


def _complaints(
    method: str, path: str, status: int, headers: Mapping[str, str], body: object
) -> Iterator[str]:
    given = {name.title(): text for name, text in headers.items()}
    media = given.get("Content-Type", "")
    response = _response(method, path, status)
    code = body.get("code") if isinstance(body, dict) else None
    if code in BEFORE_ANY_CALL or (response is None and method == "HEAD"):
        response = {"content": {MEDIA: {"schema": resolved({"$ref": PROBLEM})}}}
    elif response is None:
        yield f"{status} {code} is not described for this call"
        return
    else:
        yield from _of_headers(response.get("headers", {}), given)
    content = response.get("content", {})
    if method == "HEAD":
        return
    if media in content:
        yield from _errors(content[media]["schema"], body)
    elif content or body:
        yield f"the type {media!r} is not described"


def _of_headers(described: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[str]:
    by_title = {name.title(): one for name, one in described.items()}
    for name, one in by_title.items():
        if name not in given:
            if one.get("required"):
                yield f"the header {name} is missing"
            continue
        is_number = one["schema"]["type"] == "integer" and given[name].isdecimal()
        yield from _errors(one["schema"], int(given[name]) if is_number else given[name])
    for name in TELLING & set(given) - set(by_title):
        yield f"the header {name} is not described"


def _response(method: str, path: str, status: int) -> dict[str, Any] | None:
    """Return the description of a response, None where there is none."""
    match = TABLE.match(path.partition("?")[0])
    route = match and match[0].route(method)
    return _described(route.method, route.path, status) if route else None


@cache
def _described(method: str, template: str, status: int) -> dict[str, Any] | None:
    operation = _document()["paths"][template][method.lower()]
    response = operation["responses"].get(str(status))
    return resolved(response) if response else None


@cache
def _document() -> dict[str, Any]:
    return document()


def resolved(part: Any) -> Any:
    """Return a part of the document with what it refers to, its objects closed."""
    if isinstance(part, list):
        return [resolved(one) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found: Any = _document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return resolved(found)
    whole = {name: resolved(one) for name, one in part.items()}
    if whole.get("type") == "object" and "properties" in whole:
        whole.setdefault("additionalProperties", False)
    return whole


def _errors(schema: dict[str, Any], value: object) -> Iterator[str]:
    for error in Draft202012Validator(schema).iter_errors(value):
        yield f"{error.json_path}: {error.message[:300]}"
