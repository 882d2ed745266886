"""From a WSGI request to the event of an API Gateway REST proxy integration, payload format 1.0.

Shape: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import os
import time
from base64 import b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from local.lambda_context import AWS_ACCOUNT_ID

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

API_ID = "local"
# API Gateway takes these for itself or for its connection; no handler ever sees them.
# `Proxy` is refused by every gateway, since CGI programs took it for a setting (httpoxy).
HEADERS_DROPPED = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# More names than any sound client sends; the bound keeps a hostile one from filling the cache.
HEADER_NAMES_CACHED = 1024
# What may stand in a path unescaped: RFC 3986, section 3.3 (pchar), and the slash.
PATH_SAFE = "/:@!$&'()*+,;=~"
# WSGI servers mix the process's environment into the request. Such variables are no headers.
_ENVIRONMENT_NOT_HEADERS = {k: v for k, v in os.environ.items() if k.startswith("HTTP_")}


def proxy_event(
    environ: WSGIEnvironment,
    *,
    resource: str,
    path: str,
    path_parameters: dict[str, str] | None,
    body: bytes,
    request_id: str,
    stage: str,
) -> dict[str, Any]:
    """Return the event for a request whose decoded `path` matched `resource`.

    What AWS leaves empty is None, never an empty dict. A body that is no UTF-8 is base64.
    """
    multi_headers = _headers(environ, request_id)
    headers = {name: values[-1] for name, values in multi_headers.items()}
    multi_query = _query(environ.get("QUERY_STRING", ""))
    text, is_base64 = _body(body)
    raw_path = quote(path, safe=PATH_SAFE)
    method = environ["REQUEST_METHOD"]
    return {
        "resource": resource,
        "path": raw_path,
        "httpMethod": method,
        "headers": headers or None,
        "multiValueHeaders": multi_headers or None,
        "queryStringParameters": {name: values[-1] for name, values in multi_query.items()} or None,
        "multiValueQueryStringParameters": multi_query or None,
        "pathParameters": path_parameters,
        "stageVariables": None,
        "requestContext": _request_context(
            environ, headers, resource, f"/{stage}{raw_path}", request_id, stage
        ),
        "body": text,
        "isBase64Encoded": is_base64,
    }


def _request_context(
    environ: WSGIEnvironment,
    headers: dict[str, str],
    resource: str,
    path: str,
    request_id: str,
    stage: str,
) -> dict[str, Any]:
    now_ms = time.time_ns() // 1_000_000
    domain = headers.get("Host", "").partition(":")[0]
    return {
        "accountId": AWS_ACCOUNT_ID,
        "apiId": API_ID,
        "authorizer": None,
        "deploymentId": API_ID,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        # API Gateway's is 11 bytes in base64 as well.
        "extendedRequestId": b64encode(request_id[:11].encode()).decode(),
        "httpMethod": environ["REQUEST_METHOD"],
        "identity": {
            "accessKey": None,
            "accountId": None,
            "apiKey": None,
            "apiKeyId": None,
            "caller": None,
            "clientCert": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": environ.get("REMOTE_ADDR", ""),
            "user": None,
            "userAgent": headers.get("User-Agent"),
            "userArn": None,
        },
        "path": path,
        "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
        "requestId": request_id,
        "requestTime": _request_time(now_ms // 1000),
        "requestTimeEpoch": now_ms,
        "resourceId": API_ID,
        "resourcePath": resource,
        "stage": stage,
    }


def _headers(environ: WSGIEnvironment, request_id: str) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for key, value in environ.items():
        if key[:5] == "HTTP_" and (name := _header_name(key[5:])):
            if _ENVIRONMENT_NOT_HEADERS and _ENVIRONMENT_NOT_HEADERS.get(key) == value:
                continue
            # A WSGI server has joined repeated headers already; taking them apart at commas
            # would break dates and the like.
            headers[name] = [value]
    if content_type := environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = [content_type]
    address = environ.get("REMOTE_ADDR", "")
    came_through = headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = [f"{came_through[0]}, {address}" if came_through else address]
    headers["X-Forwarded-Port"] = [environ.get("SERVER_PORT", "")]
    headers["X-Forwarded-Proto"] = [environ.get("wsgi.url_scheme", "http")]
    if "X-Amzn-Trace-Id" not in headers:
        headers["X-Amzn-Trace-Id"] = [
            f"Root=1-{int(time.time()):08x}-{request_id.replace('-', '')[:24]}"
        ]
    return headers


@lru_cache(maxsize=HEADER_NAMES_CACHED)
def _header_name(key: str) -> str:
    """Return `X-Some-Header` for `X_SOME_HEADER`, and "" for one that stays outside."""
    name = key.replace("_", "-")
    return "" if name.lower() in HEADERS_DROPPED else name.title()


def _query(query: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    if query:
        # WSGI text is latin-1; what a client wrongly left unescaped is UTF-8 bytes in it.
        text = query if query.isascii() else query.encode("latin-1").decode(errors="replace")
        for name, value in parse_qsl(text, keep_blank_values=True):
            values.setdefault(name, []).append(value)
    return values


def _body(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return b64encode(body).decode("ascii"), True


@lru_cache(maxsize=2)  # every request of a second shares it
def _request_time(epoch_s: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(epoch_s))
