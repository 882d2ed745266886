"""The optional fields of a campaign over HTTP, in MySQL, in Redis, and after a rebuild."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from handlers import rebuild, wiring
from handlers.adapters.redis import admissions
from handlers.domain import times
from handlers.rebuild import rebuild_handler
from tests.support.mutated import change
from tests.support.redis_loss import flush, mark_as_restarted
from tests.support.service import ADMIN, apply, ask, campaign_body, rows

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response

OPTIONAL = {
    "benefit": {"kind": "percent", "value": 15, "note": "첫 구매 🎟", "metadata": {"sku": [1]}},
    "usable_from": "2030-01-01T00:00:00.000Z",
    "usable_until": "2030-02-01T00:00:00.000Z",
    "time_zone": "Asia/Seoul",
}
MINUTE_MS = 60_000


def create(body: dict[str, Any]) -> Response:
    return ask("POST /campaigns", user="boss", scope=ADMIN, body=body)


def body_with_all(campaign_id: str) -> dict[str, Any]:
    """Return a campaign that has opened a minute ago, half of it released now."""
    body = campaign_body(campaign_id, 4)
    opens_at_ms = times.from_iso(body["opens_at"])
    stages = [(opens_at_ms, 2), (opens_at_ms + 30 * MINUTE_MS, 2)]
    releases = [{"at": times.to_iso(at_ms), "quantity": add} for at_ms, add in stages]
    return {**body, **OPTIONAL, "releases": releases}


@pytest.mark.parametrize("loses", ["nothing", "its last second", "everything"])
def test_every_field_is_shown_as_it_was_given_whatever_redis_loses(
    service: Settings, campaign_id: str, loses: str
) -> None:
    body = body_with_all(campaign_id)
    created = create(body)
    assert (created.status, created.body) == (201, body)
    if loses != "nothing":
        flush(service) if loses == "everything" else mark_as_restarted(service, campaign_id)
        rows(service, "UPDATE campaign SET created_at = created_at - INTERVAL 31 SECOND")
        assert rebuild_handler({}, None)["rebuilt"] == [campaign_id]
    shown = ask("GET /campaigns/{id}", campaign_id).body
    assert {name: shown[name] for name in body} == body
    assert (shown["released"], shown["state"], shown["paused"]) == (2, "OPEN", False)
    assert [apply(campaign_id, user).code for user in "abc"] == ["ACCEPTED"] * 2 + ["NEXT_RELEASE"]
    shown = ask("GET /campaigns/{id}", campaign_id).body
    assert (shown["state"], shown["remaining"]) == ("NEXT_RELEASE", 2)
    assert shown["next_release_at"] == body["releases"][1]["at"]


def test_the_applicant_learns_when_more_are_released(service: Settings, campaign_id: str) -> None:
    create(body_with_all(campaign_id))
    responses = [apply(campaign_id, user) for user in "abc"]
    waits = responses[-1]
    assert (waits.status, waits.code) == (409, "NEXT_RELEASE")
    assert 28 * 60 < int(waits.headers["Retry-After"]) <= 29 * 60


@pytest.mark.parametrize(
    "other",
    [
        {"time_zone": "Asia/Tokyo"},
        {"benefit": {"kind": "percent", "value": 16}},
        {"usable_until": "2030-02-02T00:00:00.000Z"},
        {"usable_from": "2030-01-02T00:00:00.000Z"},
        {"releases": None},
    ],
)
def test_the_same_body_again_is_the_same_campaign_and_another_one_is_not(
    service: Settings, campaign_id: str, other: dict[str, Any]
) -> None:
    body = body_with_all(campaign_id)
    assert [create(body).status for _ in range(2)] == [201, 200]
    changed = {name: value for name, value in (body | other).items() if value is not None}
    again = create(changed)
    assert (again.status, again.code) == (409, "CAMPAIGN_EXISTS")
    assert wiring.mysql_queries().campaign(campaign_id) is not None


def test_a_creation_is_an_event_of_who_did_it_and_a_repetition_is_none(
    service: Settings, campaign_id: str
) -> None:
    body = body_with_all(campaign_id)
    assert [create(body).status for _ in range(2)] == [201, 200]
    [(kind, serial, actor, detail)] = rows(
        service,
        "SELECT kind, serial, actor, detail FROM coupon_event WHERE campaign_id = %s",
        campaign_id,
    )
    assert (kind, serial, actor) == ("CREATED", None, "boss")
    assert json.loads(detail) == {"after": body}


def test_a_bad_field_leaves_nothing_behind(service: Settings, campaign_id: str) -> None:
    refused = create(body_with_all(campaign_id) | {"usable_days": 3})
    assert (refused.status, refused.code) == (400, "INVALID_REQUEST")
    assert refused.body["detail"].startswith("usable_days: ")
    assert rows(service, "SELECT COUNT(*) FROM campaign") == [(0,)]
    assert rows(service, "SELECT COUNT(*) FROM coupon_event") == [(0,)]


@pytest.mark.parametrize("loses", ["its last second", "everything"])
def test_a_redis_that_loses_its_state_between_two_releases_gives_each_coupon_once(
    lossy: Settings, campaign_id: str, loses: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "CREATION_S", 0)
    create(body_with_all(campaign_id))
    serials = [apply(campaign_id, user).body["serial"] for user in "ab"]
    flush(lossy) if loses == "everything" else mark_as_restarted(lossy, campaign_id)
    assert apply(campaign_id, "c").status == 503
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    codes = [apply(campaign_id, user).code for user in "abc"]
    assert codes == ["ALREADY_APPLIED", "ALREADY_APPLIED", "NEXT_RELEASE"]
    # The time of the second release comes.
    rows(lossy, "UPDATE campaign SET releases = '[[1,2],[2,2]]'")
    assert rebuild_handler({}, None) == {"rebuilt": []}
    responses = [apply(campaign_id, user) for user in "cdea"]
    expected = ["ACCEPTED", "ACCEPTED", "SOLD_OUT", "ALREADY_APPLIED"]
    assert [one.code for one in responses] == expected
    serials += [one.body["serial"] for one in responses[:2]]
    assert sorted(serials) == [1, 2, 3, 4]


def test_control_without_the_releases_all_are_given_at_once(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service
    guard = "if campaign[10] and campaign[10] ~= '' then"
    change(monkeypatch, admissions.ADMIT, guard, "if false then")
    create(body_with_all(campaign_id))
    codes = [apply(campaign_id, user).code for user in "abcde"]
    assert codes == ["ACCEPTED"] * 4 + ["SOLD_OUT"]
