"""The service itself: is it alive, is it ready, what does it offer."""

from __future__ import annotations

from handlers.api import values
from handlers.api.operation import Answer, Group, Operation, Schema, record, ref
from handlers.domain.errors import UnavailableError
from handlers.domain.server_state import ServerState

TAG = "Service"
SERVERS = ("redis", "kafka", "mysql")

SCHEMAS: dict[str, Schema] = {
    "Alive": record("This process responds.", {"status": {"type": "string", "const": "ok"}}),
    "Ready": record(
        "Every server responds.",
        {
            "status": {"type": "string", "const": "ready"},
            **{name: {"type": "string", "const": ServerState.OK.value} for name in SERVERS},
        },
    ),
    "OpenApi": {
        "type": "object",
        "description": "A document of OpenAPI 3.1.",
        "properties": {"openapi": {"type": "string", "pattern": r"^3\.1\."}},
        "required": ["openapi"],
        "additionalProperties": True,
    },
}

OPERATIONS: dict[str, Operation] = {
    "GET /health": Operation(
        id="getHealth",
        tag=TAG,
        summary="Is this process alive?",
        description="Asks no server.",
        answers={200: Answer("It is.", ref("Alive"), {"alive": {"status": "ok"}})},
    ),
    "GET /ready": Operation(
        id="getReady",
        tag=TAG,
        summary="Do the servers respond?",
        description="Each server's state, at most three seconds old.",
        answers={
            200: Answer(
                "They do.",
                ref("Ready"),
                {"ready": {"status": "ready", **dict.fromkeys(SERVERS, ServerState.OK.value)}},
            )
        },
        members={
            UnavailableError.code: {
                name: values.one_of(ServerState, "The state of this server.") for name in SERVERS
            }
        },
    ),
    "GET /openapi.json": Operation(
        id="getOpenApi",
        tag=TAG,
        summary="Read this document",
        description="The description of every call, in OpenAPI 3.1.",
        answers={200: Answer("The document.", ref("OpenApi"), {})},
    ),
}

GROUP = Group(TAG, "The service itself.", OPERATIONS, SCHEMAS)
