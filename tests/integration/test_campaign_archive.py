"""POST /campaigns/{id}/archive: a campaign that is over leaves Redis, and MySQL keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.adapters.mysql.campaign_changes import MySqlCampaignChanges
from handlers.adapters.redis.campaign_changes import RedisCampaignChanges
from handlers.consume import consume_handler
from handlers.rebuild import rebuild_handler
from tests.support.changes import SHOW, events, patch
from tests.support.redis_loss import flush
from tests.support.service import (
    ADMIN,
    apply,
    ask,
    campaign_body,
    coupons,
    kafka_event,
    message,
    redis_dump,
    rows,
    winners,
)

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response

ARCHIVE = "POST /campaigns/{id}/archive"


def archive(campaign_id: str, scope: str = ADMIN) -> Response:
    return ask(ARCHIVE, campaign_id, user="boss", scope=scope)


def over(campaign_id: str) -> dict[str, Any]:
    """Create a campaign, give one coupon, and close it; return its body."""
    body = campaign_body(campaign_id, 2)
    assert ask("POST /campaigns", user="boss", scope=ADMIN, body=body).status == 201
    assert apply(campaign_id, "a").code == "ACCEPTED"
    consume_handler(kafka_event([message(campaign_id, "a", 1)]), None)
    assert patch(campaign_id, {"closes_at": "now"}).status == 200
    return body


def ids() -> list[str]:
    return [one["id"] for one in ask("GET /campaigns").body["campaigns"]]


def test_it_leaves_the_list_and_redis_and_mysql_keeps_it(
    service: Settings, campaign_id: str
) -> None:
    before = redis_dump(service)
    over(campaign_id)
    assert ids() == [campaign_id]
    archived = archive(campaign_id)
    assert (archived.status, archived.body["id"], archived.body["archived"]) == (
        200,
        campaign_id,
        True,
    )
    assert redis_dump(service) == before
    assert ids() == []
    gone = [ask(SHOW, campaign_id), apply(campaign_id, "b"), patch(campaign_id, {"paused": True})]
    assert [one.code for one in gone] == ["CAMPAIGN_NOT_FOUND"] * 3
    assert coupons(service, campaign_id) == [("a", 1)]
    assert [one["user_id"] for one in winners(campaign_id, {}).body["coupons"]] == ["a"]
    assert ask("GET /campaigns/{id}/coupon", campaign_id, user="a").body["serial"] == 1
    assert ask("GET /campaigns/{id}/coupon", campaign_id, user="b").code == "CAMPAIGN_NOT_FOUND"
    assert events(service, campaign_id)[-1][:2] == ("ARCHIVED", "boss")
    assert archive(campaign_id).status == 200
    assert len(events(service, campaign_id)) == 3


def test_what_was_archived_stays_away(service: Settings, campaign_id: str) -> None:
    before = redis_dump(service)
    body = over(campaign_id)
    assert archive(campaign_id).status == 200
    again = ask("POST /campaigns", user="boss", scope=ADMIN, body=body)
    assert again.code == "CAMPAIGN_EXISTS"
    rows(service, "UPDATE campaign SET created_at = created_at - INTERVAL 31 SECOND")
    assert rebuild_handler({}, None) == {"rebuilt": []}
    consume_handler(kafka_event([message(campaign_id, "a", 1)]), None)
    assert redis_dump(service) == before
    compared = ask(
        "GET /campaigns/{id}/reconciliation", campaign_id, user="boss", scope=ADMIN, query={}
    )
    assert compared.code == "CAMPAIGN_NOT_FOUND"


def test_a_rebuild_of_everything_leaves_it_out(lossy: Settings, campaign_id: str) -> None:
    over(campaign_id)
    assert archive(campaign_id).status == 200
    rows(lossy, "UPDATE campaign SET created_at = created_at - INTERVAL 31 SECOND")
    flush(lossy)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert ids() == []
    assert ask(SHOW, campaign_id).code == "CAMPAIGN_NOT_FOUND"


def test_only_what_is_over_and_settled_can_be_archived(service: Settings, campaign_id: str) -> None:
    body = campaign_body(campaign_id, 2)
    assert archive(campaign_id).code == "CAMPAIGN_NOT_FOUND"
    assert ask("POST /campaigns", user="boss", scope=ADMIN, body=body).status == 201
    refused = archive(campaign_id)
    assert (refused.status, refused.code) == (409, "CAMPAIGN_NOT_CLOSED")
    apply(campaign_id, "a")
    patch(campaign_id, {"closes_at": "now"})
    refused = archive(campaign_id)
    assert (refused.status, refused.code) == (409, "CAMPAIGN_NOT_SETTLED")
    assert refused.body["detail"].startswith("1 admissions are pending, 0 records have failed")
    other = message(campaign_id, "a", 9)  # a record that no campaign can have
    consume_handler(kafka_event([message(campaign_id, "a", 1), other]), None)
    assert archive(campaign_id).code == "CAMPAIGN_NOT_SETTLED"
    rows(service, "UPDATE failed_event SET status = 'RESOLVED'")
    assert archive(campaign_id, scope="").status == 403
    assert archive(campaign_id).status == 200


@pytest.mark.parametrize(
    ("owner", "step", "is_archived"),
    [
        (MySqlCampaignChanges, "archive", False),
        (RedisCampaignChanges, "forget", True),
    ],
)
def test_the_scheduler_completes_an_archiving_whose_process_was_killed(
    service: Settings,
    campaign_id: str,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    step: str,
    is_archived: bool,  # noqa: FBT001 - a parameter
) -> None:
    before = redis_dump(service)
    over(campaign_id)
    real = getattr(owner, step)

    def dies(*_: object) -> None:
        monkeypatch.setattr(owner, step, real)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, step, dies)
    with pytest.raises(KeyboardInterrupt):
        archive(campaign_id)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert (redis_dump(service) == before) is is_archived
    assert archive(campaign_id).status == 200
    assert redis_dump(service) == before
    assert [kind for kind, *_ in events(service, campaign_id)].count("ARCHIVED") == 1


def test_a_process_killed_between_the_keys_and_the_list_leaves_what_is_completed(
    service: Settings, campaign_id: str
) -> None:
    before = redis_dump(service)
    over(campaign_id)
    status = wiring.redis_campaigns().status(campaign_id)
    MySqlCampaignChanges(wiring.database()).archive(status.campaign, "killed")
    keys = [f"coupon:{{{campaign_id}}}:{name}" for name in ("campaign", "applied_user")]
    wiring.scripts().command("UNLINK", *keys)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert redis_dump(service) == before
