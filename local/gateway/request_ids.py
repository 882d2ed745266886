"""Ids of requests: random UUIDs, as API Gateway assigns them.

uuid.uuid4 asks the kernel for each id and releases the GIL meanwhile: under load another
thread takes it, and the response waits for two thread switches.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

IDS_PER_DRAW = 256
UUID_BYTES = 16
# RFC 9562, section 5.4: four bits say that it is version 4, and two that it is of this RFC.
VARIANT = "89ab"


def request_ids() -> Iterator[str]:
    """Yield ids. Start it in the process that uses the ids, not before a fork."""
    while True:
        drawn = os.urandom(UUID_BYTES * IDS_PER_DRAW).hex()
        for start in range(0, len(drawn), UUID_BYTES * 2):
            digits = drawn[start : start + UUID_BYTES * 2]
            variant = VARIANT[int(digits[16], 16) & 3]
            yield (
                f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}"
                f"-{variant}{digits[17:20]}-{digits[20:]}"
            )
