"""The pages that people see, and their files: from web/, which is read once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.domain.errors import NothingHereError
from handlers.edge.auth.development import has_development_sign_in
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.page_headers import OF_A_PAGE, file_headers, page_headers
from handlers.edge.http.response import json_response
from handlers.edge.http.web_files import VERSION_DIGITS, web_files

if TYPE_CHECKING:
    from handlers.config import Settings
    from handlers.edge.http.request import Request

VERSION = re.compile(rf"[0-9a-f]{{{VERSION_DIGITS}}}", re.ASCII)
# Their vendored code writes HTML.
WITHOUT_TRUSTED_TYPES = frozenset({"docs"})


@endpoint
def event_page_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - one page for all
    """GET /events/{id}: one page for every campaign; it asks for the campaign itself."""
    return _page("event")


@endpoint
def console_page_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - as above
    """GET /console: for administrators."""
    return _page("console")


@endpoint
def docs_page_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - as above
    """GET /docs: shows /openapi.json."""
    return _page("docs")


@endpoint
def signed_in_page_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - as above
    """GET /signed-in: where the issuer sends people back to."""
    return _page("sign_in")


@endpoint
def web_config_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - as above
    """GET /web/config.json: how the pages sign people in, and where they find this service."""
    body = web_config(wiring.settings())
    return json_response(200, body, {"Cache-Control": OF_A_PAGE})


@endpoint
def web_file_handler(request: Request) -> dict[str, Any]:
    """GET /web/{version}/{folder}/{file}: a file of this version.

    A page of another version, as there are two while a deployment goes on, gets it as well, but
    keeps it for no other time.
    """
    known = web_files()
    version = request.path.get("version", "")
    file = known.files.get(f"{request.path.get('folder')}/{request.path.get('file')}")
    if file is None or not VERSION.fullmatch(version):
        raise NothingHereError
    headers = file_headers(_reached(), is_current=version == known.version)
    return _response(file.text, {"Content-Type": file.content_type, **headers})


def web_config(settings: Settings, api: str = "") -> dict[str, Any]:
    """Return what config.json says; `api`: the service's address where it is another origin."""
    return {"sign_in": _sign_in(settings), "api": api}


def _sign_in(settings: Settings) -> dict[str, str]:
    if client := settings.pages.oidc:
        return {
            "kind": "oidc",
            "issuer": client.issuer,
            "client_id": client.client_id,
            "scope": client.scope,
            "token": client.token,
            "audience": client.audience,
        }
    return {"kind": "development" if has_development_sign_in(settings) else "none"}


def _page(folder: str) -> dict[str, Any]:
    page = web_files().pages[folder]
    headers = page_headers(_reached(), trusted_types=folder not in WITHOUT_TRUSTED_TYPES)
    return _response(page.text, {"Content-Type": page.content_type, **headers})


def _reached() -> tuple[str, ...]:
    client = wiring.settings().pages.oidc
    return client.origins if client else ()


def _response(text: str, headers: dict[str, str]) -> dict[str, Any]:
    return {"statusCode": 200, "headers": headers, "body": text}
