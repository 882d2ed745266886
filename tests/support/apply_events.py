"""An apply event as API Gateway sends it, and the exact response to a rejected one."""

from __future__ import annotations

from typing import Any

from handlers.apply import apply_handler

PROBLEM = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}


def applied(
    headers: dict[str, str], campaign_id: str = "welcome", address: str | None = None
) -> dict[str, Any]:
    event = {
        "requestContext": {"requestId": "request-1", "identity": {"sourceIp": address}},
        "headers": headers,
        "pathParameters": {"id": campaign_id},
    }
    return apply_handler(event, None)


def problem(code: str, status: int, title: str, detail: str, **headers: str) -> dict[str, Any]:
    body = (
        f'{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}",'
        f'"code":"{code}","request_id":"request-1"}}'
    )
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"statusCode": status, "headers": PROBLEM | more, "body": body}
