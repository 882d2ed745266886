"""The pages that people see, and their files: from web/, which is read once."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from handlers import wiring
from handlers.domain.errors import NothingHereError
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.page_headers import OF_A_PAGE, file_headers, page_headers
from handlers.edge.http.response import json_response
from handlers.edge.http.web_files import VERSION_DIGITS, web_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.edge.http.request import Request
    from handlers.page_settings import PageSettings

# The folder of each page, by its path.
PAGES: Final = MappingProxyType(
    {"/events/{id}": "event", "/console": "console", "/docs": "docs", "/signed-in": "sign_in"}
)
VERSION = re.compile(rf"[0-9a-f]{{{VERSION_DIGITS}}}", re.ASCII)
# Their vendored code writes HTML.
WITHOUT_TRUSTED_TYPES = frozenset({"docs"})


@endpoint
def event_page_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - one page for all
    """GET /events/{id}: one page for every campaign; it asks for the campaign itself."""
    return page_response("event", _reached())


@endpoint
def console_page_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - as above
    """GET /console: for administrators."""
    return page_response("console", _reached())


@endpoint
def docs_page_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - as above
    """GET /docs: shows /openapi.json."""
    return page_response("docs", _reached())


@endpoint
def signed_in_page_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - as above
    """GET /signed-in: where the issuer sends people back to."""
    return page_response("sign_in", _reached())


@endpoint
def web_config_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - as above
    """GET /web/config.json: how the pages sign people in, and where they find this service."""
    return config_response(wiring.settings().pages)


@endpoint
def web_file_handler(request: Request) -> dict[str, Any]:
    """GET /web/{version}/{folder}/{file}: a file of this version.

    While a deployment goes on there are pages of two versions. A page of the other one gets this
    file as well, and no cache keeps it under that address.
    """
    version = request.path.get("version", "")
    name = f"{request.path.get('folder')}/{request.path.get('file')}"
    if name not in web_files().files or not VERSION.fullmatch(version):
        raise NothingHereError
    return file_response(name, _reached(), is_current=version == web_files().version)


def page_response(folder: str, reached: Sequence[str]) -> dict[str, Any]:
    """Return the page of a folder; `reached`: origins besides its own that it may call."""
    page = web_files().pages[folder]
    headers = page_headers(reached, trusted_types=folder not in WITHOUT_TRUSTED_TYPES)
    return _response(page.text, {"Content-Type": page.content_type, **headers})


def file_response(name: str, reached: Sequence[str], *, is_current: bool) -> dict[str, Any]:
    """Return a file, `folder/name`; raise KeyError where there is none."""
    file = web_files().files[name]
    headers = file_headers(reached, is_current=is_current)
    return _response(file.text, {"Content-Type": file.content_type, **headers})


def config_response(settings: PageSettings, api: str = "") -> dict[str, Any]:
    """Return config.json; `api`: the service's address where it is another origin."""
    body = {"sign_in": _sign_in(settings), "api": api}
    return json_response(200, body, {"Cache-Control": OF_A_PAGE})


def _sign_in(settings: PageSettings) -> dict[str, Any]:
    if client := settings.oidc:
        return {
            "kind": "oidc",
            "issuer": client.issuer,
            "client_id": client.client_id,
            "scope": client.scope,
            "token": client.token,
            "audience": client.audience,
            "scope_claims": client.scope_claims,
        }
    return {"kind": "development" if settings.has_development_sign_in else "none"}


def _reached() -> Sequence[str]:
    return wiring.settings().pages.reached


def _response(text: str, headers: dict[str, str]) -> dict[str, Any]:
    return {"statusCode": 200, "headers": headers, "body": text}
