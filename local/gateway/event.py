"""Turns an HTTP request into the event of an API Gateway REST proxy integration, format 1.0.

Shape: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import time
from base64 import b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from local.lambda_context import AWS_ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.gateway.rsgi import HttpRequest

API_ID = "local"
# API Gateway uses these itself or for its connection; no handler ever sees them.
# Every gateway drops `Proxy`, because CGI programs read it as a setting (httpoxy).
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
# More names than a normal client sends; the limit keeps a hostile client from filling the cache.
HEADER_NAMES_CACHED = 1024
# The characters that a path may contain unescaped: RFC 3986, section 3.3 (pchar), and the slash.
PATH_SAFE = "/:@!$&'()*+,;=~"
HTTP_VERSIONS = {"1": "HTTP/1.0", "1.1": "HTTP/1.1"}


def proxy_event(
    request: HttpRequest,
    *,
    resource: str,
    path_parameters: Mapping[str, str] | None,
    request_id: str,
    stage: str,
) -> dict[str, Any]:
    """Return the event for a request whose path matched `resource`.

    Fields that AWS leaves empty are None, never an empty dict. A body that is not UTF-8 is base64.
    """
    multi_headers = _headers(request, request_id)
    headers = {name: values[-1] for name, values in multi_headers.items()}
    multi_query = _query(request.query)
    text, is_base64 = _body(request.body)
    raw_path = quote(request.path, safe=PATH_SAFE)
    return {
        "resource": resource,
        "path": raw_path,
        "httpMethod": request.method,
        "headers": headers or None,
        "multiValueHeaders": multi_headers or None,
        "queryStringParameters": {name: values[-1] for name, values in multi_query.items()} or None,
        "multiValueQueryStringParameters": multi_query or None,
        "pathParameters": dict(path_parameters) if path_parameters else None,
        "stageVariables": None,
        "requestContext": _request_context(
            request, headers, resource, f"/{stage}{raw_path}", request_id, stage
        ),
        "body": text,
        "isBase64Encoded": is_base64,
    }


def _request_context(
    request: HttpRequest,
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
        "httpMethod": request.method,
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
            "sourceIp": request.client_address,
            "user": None,
            "userAgent": headers.get("User-Agent"),
            "userArn": None,
        },
        "path": path,
        "protocol": HTTP_VERSIONS.get(request.http_version, "HTTP/1.1"),
        "requestId": request_id,
        "requestTime": _request_time(now_ms // 1000),
        "requestTimeEpoch": now_ms,
        "resourceId": API_ID,
        "resourcePath": resource,
        "stage": stage,
    }


def _headers(request: HttpRequest, request_id: str) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for key, value in request.headers:
        if name := _header_name(key):
            headers.setdefault(name, []).append(value)
    forwarded_for = headers.get("X-Forwarded-For", ())
    headers["X-Forwarded-For"] = [", ".join([*forwarded_for, request.peer_address])]
    headers["X-Forwarded-Port"] = [request.server_port]
    headers["X-Forwarded-Proto"] = [request.scheme]
    if "X-Amzn-Trace-Id" not in headers:
        headers["X-Amzn-Trace-Id"] = [
            f"Root=1-{int(time.time()):08x}-{request_id.replace('-', '')[:24]}"
        ]
    return headers


@lru_cache(maxsize=HEADER_NAMES_CACHED)
def _header_name(key: str) -> str:
    """Return `X-Some-Header` for `x-some-header`, and "" for a header that is dropped."""
    return "" if key in HEADERS_DROPPED else key.title()


def _query(query: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    if query:
        for name, value in parse_qsl(query, keep_blank_values=True):
            values.setdefault(name, []).append(value)
    return values


def _body(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return b64encode(body).decode("ascii"), True


@lru_cache(maxsize=2)  # all requests of one second share it
def _request_time(epoch_s: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(epoch_s))
