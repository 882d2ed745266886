"""What is said about one route: its parameters, its answers, the codes of its problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from handlers.edge.auth.scopes import ADMIN_SCOPE, PRIVACY_SCOPE, REDEEM_SCOPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Schema = dict[str, Any]

JSON = "application/json"


class Caller(Enum):
    """Who may call: each of these scopes is enough. None: no token; empty: any user's token."""

    ANYONE = None
    USER = ()
    SHOP = (REDEEM_SCOPE, ADMIN_SCOPE)
    PRIVACY = (PRIVACY_SCOPE, ADMIN_SCOPE)
    ADMIN = (ADMIN_SCOPE,)

    @property
    def security(self) -> list[dict[str, list[str]]]:
        """Return OpenAPI's security requirements: alternatives, each with what it asks for."""
        if self.value is None:
            return []
        return [{"bearer": [scope]} for scope in self.value] or [{"bearer": []}]

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of the problems that a caller gets who may not call."""
        if self.value is None:
            return ()
        return ("UNAUTHENTICATED", "FORBIDDEN") if self.value else ("UNAUTHENTICATED",)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that is not a problem.

    schema: of the JSON body; None where there is no body. examples: bodies by name, each one that
    the service can give. media: schemas of bodies of other types, which Accept asks for. headers:
    names of handlers/api/headers.py. links: operations that take the body's `id` as their parameter
    `link_parameter`.
    """

    description: str
    schema: Schema | None = None
    examples: Mapping[str, object] = field(default_factory=dict)
    media: Mapping[str, Schema] = field(default_factory=dict)
    headers: Sequence[str] = ("Cache-Control",)
    links: Sequence[str] = ()
    link_parameter: str = "id"


@dataclass(frozen=True, slots=True)
class Operation:
    """One route, as OpenAPI describes it.

    id: a name for generated clients, unique. problems: codes that this call may answer with,
    besides those of the caller and those that any call may (handlers/api/problems.py). parameters:
    of query and headers; those of the path are found in it. body: the JSON that it takes; examples:
    bodies by name; needs_body: not where it can be left out. members: what a problem may have
    besides, by its code. final: what codes mean in this call where the same request is never worth
    sending again: they come without Retry-After, which they have in other calls.
    """

    id: str
    tag: str
    summary: str
    description: str
    answers: Mapping[int, Answer]
    caller: Caller = Caller.ANYONE
    problems: Sequence[str] = ()
    parameters: Sequence[Schema] = ()
    body: Schema | None = None
    needs_body: bool = True
    examples: Mapping[str, object] = field(default_factory=dict)
    final: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, Schema]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """The routes of one subject, each by `METHOD /path`, and the schemas that are theirs."""

    tag: str
    description: str
    operations: Mapping[str, Operation]
    schemas: Mapping[str, Schema]


def ref(name: str) -> Schema:
    """Return a reference to one of the document's schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(description: str, properties: Mapping[str, Schema], optional: str = "") -> Schema:
    """Return the schema of an object; `optional` names members that may be missing, with blanks.

    It says nothing about other members: a later version may add some to an answer.
    """
    left_out = optional.split()
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "required": [name for name in properties if name not in left_out],
    }


def query(name: str, description: str, schema: Schema) -> Schema:
    """Return a parameter of the query, which may be left out."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def header(name: str, description: str, schema: Schema, *, required: bool = False) -> Schema:
    """Return a parameter that is a header."""
    parameter = {"name": name, "in": "header", "description": description, "schema": schema}
    return parameter | ({"required": True} if required else {})
