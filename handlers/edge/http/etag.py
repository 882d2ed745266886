"""The version of a campaign as an entity tag (RFC 9110, section 8.8.3).

`"3"` is the third version. Where a response also shows what changes without a version, as how many
coupons are left, the moment follows, `"3-1795316400123"`: a cache must not take two of them for the
same. If-Match compares the versions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from handlers.domain.errors import InvalidRequestError, PreconditionRequiredError

if TYPE_CHECKING:
    from collections.abc import Mapping

# A proxy that compresses a response makes its tag a weak one.
TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
# A tag may hold a comma, so the list cannot be split at commas.
TAGS = re.compile(rf"{TAG.pattern}(?:[ \t]*,[ \t]*{TAG.pattern})*")
OURS = re.compile(r"([0-9]{1,10})(?:-[0-9]{1,16})?", re.ASCII)


def version_header(version: int, at_ms: int | None = None) -> dict[str, str]:
    """Return the header ETag."""
    moment = "" if at_ms is None else f"-{at_ms}"
    return {"ETag": f'"{version}{moment}"'}


def expected_versions(headers: Mapping[str, str]) -> frozenset[int] | None:
    """Return the versions that If-Match names, None for any.

    Raises PreconditionRequiredError without the header, InvalidRequestError for one that has no
    tags. A tag that is not ours matches no version.
    """
    header = headers.get("if-match")
    if header is None:
        raise PreconditionRequiredError
    header = header.strip()
    if header == "*":
        return None
    if not TAGS.fullmatch(header):
        message = "If-Match: must be the ETag of GET /campaigns/{id}, with its quotes"
        raise InvalidRequestError(message)
    ours = [OURS.fullmatch(tag) for tag in TAG.findall(header)]
    return frozenset(int(one[1]) for one in ours if one)
