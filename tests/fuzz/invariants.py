"""The invariants of a response to a hostile request, on either layer."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROBLEM_FIELDS = {"type", "title", "status", "detail", "code", "request_id"}
# Internal words that no error may quote: stacks, files, exceptions, statements, drivers.
INTERNAL_WORDS = re.compile(
    r"Traceback|File \"|\.(py|lua|sql)\b|site-packages|[A-Za-z]+(Error|Exception)\b"
    r"|SQL syntax|\bSELECT\b.*\bFROM\b|\bINSERT INTO\b|EVALSHA|\bpymysql\b|\bredis\b|0x[0-9a-f]{8}"
)
# Bytes that the HTTP parser refuses never become a request, so no handler describes a problem.
UNPARSED = {400, 414, 431, 501, 505}


def faults_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes | None,
    secrets: Iterable[str],
    sent: str = "",
) -> list[str]:
    """Return the faults of a response: header names are in lower case, no body means HEAD.

    An error may quote a word that the client itself has `sent`.
    """
    faults = []
    if not 100 <= status < 500 and status != 503:
        faults.append(f"status {status}")
    if status == 503 and not headers.get("retry-after", "").isdecimal():
        faults.append("503 without Retry-After")
    head = "\n".join(f"{name}: {value}" for name, value in headers.items())
    text = head + (body or b"").decode(errors="replace")
    faults += ["a secret" for secret in secrets if secret in text]
    if status >= 400:
        faults += _faults_of_error(status, headers, body, sent)
    elif headers.get("content-type") == "application/json" and body:
        faults += ["the body is not a JSON object"] if _json(body) is None else []
    return faults


def _faults_of_error(
    status: int, headers: Mapping[str, str], body: bytes | None, sent: str
) -> list[str]:
    if not body and status in UNPARSED and "x-amzn-requestid" not in headers:
        return []
    if headers.get("content-type") != "application/problem+json":
        return [f"an error of type {headers.get('content-type')}"]
    if body is None:
        return []
    problem, faults = _json(body) or {}, []
    if not problem.keys() >= PROBLEM_FIELDS:
        faults.append(f"a problem without {sorted(PROBLEM_FIELDS - problem.keys())}")
    if problem.get("status") != status:
        faults.append(f"a problem of status {problem.get('status')} in a response of {status}")
    words = {found[0] for found in INTERNAL_WORDS.finditer(body.decode(errors="replace"))}
    faults += [f"the error reveals internals: {word!r}" for word in words if word not in sent]
    return faults


def _json(body: bytes) -> dict[str, object] | None:
    try:
        parsed = json.loads(body)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None
