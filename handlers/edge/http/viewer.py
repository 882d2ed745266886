"""The viewer's address, where CloudFront is in front of API Gateway.

API Gateway names as the source the address that it got the connection from: then it is one of
CloudFront, which all users share. CloudFront writes the viewer's into a header (infra/cdn.yaml). A
client that calls API Gateway itself can write that header too, so it counts only beside the secret
that CloudFront sends with it.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# As infra/cdn.yaml writes them. CloudFront replaces what a viewer sends under these names.
ADDRESS = "X-Viewer-Address"
SECRET = "X-Origin-Secret"  # noqa: S105 - the name of a header


def context_of_viewer(
    context: Mapping[str, Any], headers: Mapping[str, str], secrets: Sequence[str]
) -> dict[str, Any]:
    """Return API Gateway's data on a request, with the viewer as its source.

    headers: of the request; they find a name in any letter case. secrets: the request must have one
    of them, or its source stays as it is. A viewer without an address has the source "", which no
    limit counts: CloudFront's own would be that of all.
    """
    given = _bytes(headers.get(SECRET) or "")
    if not any(hmac.compare_digest(given, _bytes(secret)) for secret in secrets):
        return dict(context)
    identity = context.get("identity") or {}
    return {**context, "identity": {**identity, "sourceIp": headers.get(ADDRESS) or ""}}


def _bytes(text: str) -> bytes:
    # Half of a surrogate pair is possible in an event's JSON; compare_digest takes only ASCII text.
    return text.encode("utf-8", "surrogatepass")
