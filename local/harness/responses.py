"""What one press of the button was answered with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

ACCEPTED, ALREADY_APPLIED, SOLD_OUT = "ACCEPTED", "ALREADY_APPLIED", "SOLD_OUT"
# Whatever else comes while a campaign is open is a failure of the demo.
EXPECTED = (ACCEPTED, ALREADY_APPLIED, SOLD_OUT)
# What the interface promises for each status.
FIELD_AND_VALUE = {
    202: ("outcome", ACCEPTED),
    200: ("outcome", ALREADY_APPLIED),
    409: ("code", SOLD_OUT),
}
NO_RESPONSE = 0
# Where answers are lost or put off on purpose: nothing was decided, or the client does not know.
UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class ApplyResponse:
    """One press: who, what came of it, and when.

    Both times count from the start signal, at which everybody pressed: what a busy machine needs
    to send all the requests is a wait as well, and leaving it out would flatter the service.
    """

    user: str
    outcome: str  # one of EXPECTED, or a few words about what came instead
    serial: int | None = None
    status: int = NO_RESPONSE  # so too when the connection failed
    sent_s: float = 0.0  # when this client came to it
    latency_s: float = 0.0  # when the answer was there

    @property
    def expected(self) -> bool:
        """Whether it is an answer that an open campaign gives."""
        return self.outcome in EXPECTED


def parse_response(status: int, body: bytes, campaign_id: str, user: str) -> tuple[str, int | None]:
    """Return outcome and serial; an answer of the wrong shape, or to somebody else, says so."""
    fields = json_object(body)
    name, outcome = FIELD_AND_VALUE.get(status, ("code", ""))
    if not outcome or fields.get(name) != outcome:
        return f"{status} {fields.get('code') or fields.get('outcome') or 'unexpected'}", None
    if outcome == SOLD_OUT:
        return outcome, None
    serial = fields.get("serial")
    if (fields.get("campaign_id"), fields.get("user_id")) != (campaign_id, user):
        return f"{status} meant for somebody else", None
    if type(serial) is not int:
        return f"{status} without a serial", None
    return outcome, serial


def json_object(body: bytes) -> dict[str, Any]:
    """Return the fields of a body; none when it is not a JSON object."""
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
