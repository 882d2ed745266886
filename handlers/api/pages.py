"""The pages that people see. They are described like every other route, as text of their types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.api.operation import Answer, Group, Operation, Schema, record, ref
from handlers.domain.errors import NothingHereError
from handlers.edge.http.web_files import CONTENT_TYPES, HTML, VERSION_DIGITS
from handlers.page_settings import OidcToken
from handlers.sign_in import SCOPE_LENGTH_MAX, SCOPES

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG = "Pages"
TEXT: Schema = {"type": "string"}
DEVELOPMENT = {"sign_in": {"kind": "development"}, "api": ""}
ISSUER = "https://accounts.example.com"
OIDC = {
    "sign_in": {
        "kind": "oidc",
        "issuer": ISSUER,
        "client_id": "coupon-pages",
        "scope": "openid",
        "token": OidcToken.ACCESS.value,
        "audience": "coupons",
        "scope_claims": ["scope", "scp", "permissions"],
    },
    "api": "",
}

SCHEMAS: dict[str, Schema] = {
    "PagesConfig": record(
        "What the pages must know of this service.",
        {
            "sign_in": {
                "description": "How people sign in.",
                "oneOf": [ref("SignInOfIssuer"), ref("SignInOfService")],
            },
            "api": {
                "type": "string",
                "description": "The service's address; empty: it is where the pages are.",
            },
        },
    ),
    "SignInOfIssuer": record(
        "At an OpenID Connect issuer: an authorization code with PKCE.",
        {
            "kind": {"type": "string", "const": "oidc"},
            "issuer": {"type": "string", "description": "The issuer's URL, as in its tokens."},
            "client_id": {"type": "string", "description": "The pages' id at the issuer."},
            "scope": {"type": "string", "description": "What the pages ask for."},
            "token": {
                "type": "string",
                "enum": [token.value for token in OidcToken],
                "description": "Which of the issuer's tokens is the bearer token.",
            },
            "audience": {"type": "string", "description": "Whom the token is for; may be empty."},
            "scope_claims": {
                "type": "array",
                "items": TEXT,
                "description": "In which claims of a token the service finds scopes.",
            },
        },
    ),
    "SignInOfService": record(
        "Without an issuer.",
        {
            "kind": {
                "type": "string",
                "enum": ["development", "none"],
                "description": "`development`: by `POST /sign-in`. `none`: the pages cannot.",
            }
        },
    ),
    "SignInRequest": record(
        "Who one wants to be.",
        {
            "user_id": {
                "type": "string",
                "pattern": "^[!-~]{1,64}$",
                "description": "A user's id.",
            },
            "scope": {
                "type": "string",
                "maxLength": SCOPE_LENGTH_MAX,
                "pattern": f"^{SCOPES.pattern}$",
                "description": "Scopes, with one space between two.",
            },
        },
        optional="scope",
    )
    | {"additionalProperties": False},
    "SignedIn": record(
        "A bearer token.",
        {
            "token": {"type": "string", "description": "For the header Authorization."},
            "expires_in": {"type": "integer", "minimum": 1, "description": "In seconds."},
        },
    ),
}


def _page(name: str, summary: str, description: str) -> Operation:
    answer = Answer("The page.", media={HTML: TEXT})
    return Operation(name, TAG, summary, description, answers={200: answer})


def _files() -> Mapping[str, Schema]:
    return {media: {} if media == "application/json" else TEXT for media in CONTENT_TYPES.values()}


OPERATIONS: dict[str, Operation] = {
    "GET /events/{id}": _page(
        "getEventPage",
        "The page of a campaign",
        "Where people take part. It is the same page for every campaign, also for one that does "
        "not exist: the page itself asks.",
    ),
    "GET /console": _page("getConsole", "The console", "Where administrators run campaigns."),
    "GET /docs": _page("getDocs", "This description as a page", "Shows `/openapi.json`."),
    "GET /signed-in": _page(
        "getSignedInPage",
        "Back from the issuer",
        "The address to which an OpenID Connect issuer sends people back.",
    ),
    "GET /web/config.json": Operation(
        id="getPagesConfig",
        tag=TAG,
        summary="What the pages must know",
        description="How people sign in, and where the service is.",
        answers={
            200: Answer("Found.", ref("PagesConfig"), {"development": DEVELOPMENT, "issuer": OIDC})
        },
    ),
    "GET /web/{version}/{folder}/{file}": Operation(
        id="getPageFile",
        tag=TAG,
        summary="A file of the pages",
        description="Of the present version, it may be kept for ever; under another version's "
        "address the same file is not stored.",
        answers={200: Answer("The file.", media=_files())},
        problems=(NothingHereError.code,),
    ),
    "POST /sign-in": Operation(
        id="signIn",
        tag=TAG,
        summary="Sign in, in development",
        description="Gives anyone a token for any user. With any STAGE but `local` there is "
        "nothing at this path.",
        body=ref("SignInRequest"),
        examples={
            "user": {"user_id": "user-42"},
            "admin": {"user_id": "me", "scope": "coupon:admin"},
        },
        answers={200: Answer("Signed in.", ref("SignedIn"))},
        problems=("INVALID_REQUEST", NothingHereError.code),
    ),
}

GROUP = Group(
    TAG, f"What people see; files have a version of {VERSION_DIGITS} digits.", OPERATIONS, SCHEMAS
)
