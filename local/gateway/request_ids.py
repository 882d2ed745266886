"""Ids of requests: random UUIDs, as API Gateway gives them.

uuid.uuid4 asks the kernel for each, and lets go of Python's lock meanwhile: under load another
thread takes it, and the answer waits for two changes of threads.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DRAWN_AT_ONCE = 256
UUID_BYTES = 16
# RFC 9562, section 5.4: four bits say that it is version 4, and two that it is of this RFC.
VARIANT = "89ab"


def request_ids() -> Iterator[str]:
    """Yield one after the other; to be begun in the process that uses them, not before a fork."""
    while True:
        drawn = os.urandom(UUID_BYTES * DRAWN_AT_ONCE).hex()
        for start in range(0, len(drawn), UUID_BYTES * 2):
            digits = drawn[start : start + UUID_BYTES * 2]
            variant = VARIANT[int(digits[16], 16) & 3]
            yield (
                f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}"
                f"-{variant}{digits[17:20]}-{digits[20:]}"
            )
