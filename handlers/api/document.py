"""The OpenAPI document, made from the one route table and what the groups say about each route."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from handlers.api import (
    apply,
    campaigns,
    coupons,
    failed_events,
    pages,
    privacy,
    redemption,
    reports,
    service,
    webhooks,
)
from handlers.api.headers import HEADERS
from handlers.api.operation import JSON
from handlers.api.problems import Problems
from handlers.api.values import PATH_PARAMETERS
from handlers.edge.http.request import BODY_BYTES_MAX
from handlers.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.api.operation import Answer, Group, Operation, Schema
    from handlers.routes import Route

VERSION = "0.1.0"  # of the interface; pyproject.toml has the same
GROUPS: tuple[Group, ...] = (
    apply.GROUP,
    campaigns.GROUP,
    redemption.GROUP,
    coupons.GROUP,
    reports.GROUP,
    failed_events.GROUP,
    webhooks.GROUP,
    privacy.GROUP,
    service.GROUP,
    pages.GROUP,
)
DESCRIPTION = f"""\
First-come-first-served coupons: never one too many, and every accepted user gets one.

- JSON in UTF-8; times in ISO 8601, in UTC. An answer may get more members in a later version.
- Errors are problems (RFC 9457, `application/problem+json`). A program reads `code`.
- `UNAVAILABLE` means: no sure answer right now; the same request may be sent again.
- The user is the `sub` of the bearer token, never a parameter.
- `HEAD` responds wherever `GET` does. A path that is not here: 404 `NOT_FOUND`; a method that is
  not here: 405 `METHOD_NOT_ALLOWED`. On AWS, API Gateway itself responds to these two, with 403,
  and with 429 to what it throttles; its bodies are `{{"message": …}}`.
- A body has {BODY_BYTES_MAX // 1024} KiB at most. Only calls that describe a body read one.
"""


def operations() -> dict[str, Operation]:
    """Return what is said about each route, by `METHOD /path`."""
    return {call: operation for group in GROUPS for call, operation in group.operations.items()}


def document() -> dict[str, Any]:
    """Return the document; raise KeyError for a route of which nothing is said."""
    known, problems = operations(), Problems()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        operation = known[f"{route.method} {route.path}"]
        item = paths.setdefault(route.path, _path_item(route.path))
        item[route.method.lower()] = _operation(route, operation, problems)
    schemas = {name: schema for group in GROUPS for name, schema in group.schemas.items()}
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Seonchak",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        # Beside this document, also where a stage of API Gateway puts a part before every path.
        "servers": [{"url": "./", "description": "The server of this document."}],
        "tags": [{"name": group.tag, "description": group.description} for group in GROUPS],
        "paths": paths,
        "components": {
            "schemas": dict(sorted((schemas | problems.schemas).items())),
            "responses": dict(sorted(problems.responses.items())),
            "headers": HEADERS,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token that the service's issuer has signed; a requirement "
                    "names the scope that it needs.",
                }
            },
        },
    }


def _path_item(path: str) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", path)
    if not names:
        return {}
    return {
        "parameters": [
            {"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]}
            for name in names
        ]
    }


def _operation(route: Route, operation: Operation, problems: Problems) -> dict[str, Any]:
    if route.takes_body != (operation.body is not None):
        message = f"{route.method} {route.path}: takes_body and the description disagree"
        raise ValueError(message)
    answers = {str(status): _answer(answer) for status, answer in sorted(operation.answers.items())}
    return {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "security": operation.caller.security,
        **({"parameters": list(operation.parameters)} if operation.parameters else {}),
        **({"requestBody": _body(operation)} if operation.body else {}),
        "responses": answers | problems.of(operation),
    }


def _body(operation: Operation) -> Schema:
    content = {JSON: _media(operation.body or {}, operation.examples)}
    return {"required": operation.needs_body, "content": content}


def _answer(answer: Answer) -> Schema:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in answer.headers}
    content = {JSON: _media(answer.schema, answer.examples)} if answer.schema else {}
    content |= {media: {"schema": schema} for media, schema in answer.media.items()}
    links = {
        name: {"operationId": name, "parameters": {answer.link_parameter: "$response.body#/id"}}
        for name in answer.links
    }
    return {
        "description": answer.description,
        **({"headers": headers} if headers else {}),
        **({"content": content} if content else {}),
        **({"links": links} if links else {}),
    }


def _media(schema: Schema, examples: Mapping[str, object]) -> Schema:
    shown = {name: {"value": value} for name, value in examples.items()}
    return {"schema": schema, **({"examples": shown} if shown else {})}
