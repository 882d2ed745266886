"""The report over HTTP: the refusals of all processes of a server, and the coupons."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.e2e.conftest import chalice_local, gateway, relayed_poll_runner
from tests.support.http_client import Call, Client
from tests.support.service import ADMIN, campaign_body
from tests.support.waiting import eventually

QUANTITY, USERS = 20, 120


def report(client: Client, campaign_id: str) -> dict[str, Any]:
    answer = client.send(Call("GET", f"/campaigns/{campaign_id}/report", "admin", ADMIN))
    assert answer.status == 200
    return dict(answer.body)


@pytest.mark.parametrize(("server", "threads"), [(gateway, 12), (chalice_local, 5)])
def test_a_report_counts_what_the_applicants_were_told(
    world: dict[str, str], campaign_id: str, server: Any, threads: int
) -> None:
    with relayed_poll_runner(world), server(world) as client:
        body = campaign_body(campaign_id, QUANTITY)
        assert client.send(Call("POST", "/campaigns", "admin", ADMIN, body)).status == 201
        path = f"/campaigns/{campaign_id}/apply"
        calls = [Call("POST", path, f"user-{number}") for number in range(USERS)]
        answers = Counter(answer.code for answer in client.send_all(calls, threads=threads))
        refused = {"SOLD_OUT": USERS - QUANTITY}
        assert answers == {"ACCEPTED": QUANTITY} | refused

        def is_complete() -> bool:
            found = report(client, campaign_id)
            counted = found["refusals"]["by_reason"]
            # Never more than there were, also on the way.
            assert counted.get("SOLD_OUT", 0) <= refused["SOLD_OUT"]
            return bool(counted == refused and found["coupons"] == QUANTITY)

        eventually(is_complete, "all refusals and coupons in the report")
        found = report(client, campaign_id)
        assert found["states"]["ISSUED"] == QUANTITY
        assert sum(count for _, count in found["given"]["buckets"]) == QUANTITY
        assert found["sold_out_after_ms"] > 0
        assert found["admission_to_issue"]["median_ms"] is not None
