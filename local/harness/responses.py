"""The response to one apply request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

ACCEPTED, ALREADY_APPLIED, SOLD_OUT = "ACCEPTED", "ALREADY_APPLIED", "SOLD_OUT"
# Any other response while a campaign is open is a failure of the run.
EXPECTED = (ACCEPTED, ALREADY_APPLIED, SOLD_OUT)
# The field and value that the API promises for each status.
FIELD_AND_VALUE = {
    202: ("outcome", ACCEPTED),
    200: ("outcome", ALREADY_APPLIED),
    409: ("code", SOLD_OUT),
}
NO_RESPONSE = 0
# In runs with faults: the service decided nothing, or the client does not know the decision.
UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class ApplyResponse:
    """One apply request: the user, the outcome, and the times.

    Both times count from the start signal, when all users applied: the time that a busy machine
    needs to send all requests is waiting time too; leaving it out would flatter the service.
    """

    user: str
    outcome: str  # one of EXPECTED, or a short description of another response
    serial: int | None = None
    status: int = NO_RESPONSE  # also when the connection failed
    sent_s: float = 0.0  # when the client began to send it
    latency_s: float = 0.0  # when the response had arrived

    @property
    def expected(self) -> bool:
        """Whether an open campaign gives this response."""
        return self.outcome in EXPECTED


def parse_response(status: int, body: bytes, campaign_id: str, user: str) -> tuple[str, int | None]:
    """Return outcome and serial; the outcome names a wrong shape or another user's response."""
    fields = json_object(body)
    name, outcome = FIELD_AND_VALUE.get(status, ("code", ""))
    if not outcome or fields.get(name) != outcome:
        return f"{status} {fields.get('code') or fields.get('outcome') or 'unexpected'}", None
    if outcome == SOLD_OUT:
        return outcome, None
    serial = fields.get("serial")
    if (fields.get("campaign_id"), fields.get("user_id")) != (campaign_id, user):
        return f"{status} meant for another user", None
    if type(serial) is not int:
        return f"{status} without a serial", None
    return outcome, serial


def json_object(body: bytes) -> dict[str, Any]:
    """Return the fields of a body; an empty dict when it is not a JSON object."""
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
