"""The HTTP interface on real servers: the calls of administrators and of all others."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.adapters.redis.client import connect
from handlers.consume import consume_handler
from handlers.domain import times
from tests.support.service import (
    ADMIN,
    apply,
    ask,
    campaign_body,
    create_campaign,
    cut_off_redis,
    failed_events,
    kafka_event,
    message,
    redis_dump,
    rows,
    winners,
)
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response

NASTY = [
    "'; DROP TABLE coupon; -- ",
    "\\' OR 1=1 #",
    "%s %(id)s %%",
    "');redis.call('FLUSHALL')--",
    "]]redis.call('DEL',KEYS[1])--[[",
    "a}:coupon_count{b",
]

# A joined emoji, no-break and ideographic spaces, a joiner in Persian, as long as the column.
WRITTEN = [
    "👨\u200d👩\u200d👧\u200d👦",
    "50\xa0%\u202f!",
    "夏祭り\u3000",
    "می\u200cرویم",
    "🎟" * 200,
]


def create(body: dict[str, Any]) -> Response:
    return ask("POST /campaigns", user="admin", scope=ADMIN, body=body)


def test_a_campaign_is_created_once_and_the_same_body_again_changes_nothing(
    service: Settings, campaign_id: str
) -> None:
    body = campaign_body(campaign_id)
    first = create(body)
    assert (first.status, first.body) == (201, body)
    before = redis_dump(service)
    again = create(body)
    assert (again.status, again.body) == (200, body)
    assert redis_dump(service) == before


def test_another_body_under_the_same_id_is_a_conflict_and_changes_nothing(
    service: Settings, campaign_id: str
) -> None:
    create(campaign_body(campaign_id, 100))
    before = redis_dump(service)
    other = create(campaign_body(campaign_id, 101))
    assert (other.status, other.code) == (409, "CAMPAIGN_EXISTS")
    assert redis_dump(service) == before
    assert rows(service, "SELECT id, quantity FROM campaign") == [(campaign_id, 100)]


@pytest.mark.single_redis
def test_a_creation_interrupted_before_redis_is_completed_by_the_same_body(
    service: Settings, campaign_id: str
) -> None:
    body = campaign_body(campaign_id)
    cut_off_redis(service)
    assert create(body).status == 503
    assert rows(service, "SELECT id FROM campaign") == [(campaign_id,)]
    wiring.reset()
    assert apply(campaign_id, "early").status == 404
    assert create(body).status == 200
    assert apply(campaign_id, "early").status == 202


def test_a_campaign_of_which_redis_holds_only_winners_is_not_opened_again(
    service: Settings, campaign_id: str
) -> None:
    body = campaign_body(campaign_id)
    create(body)
    apply(campaign_id, "winner")
    with closing(connect(service)) as redis:
        redis.delete(f"coupon:{{{campaign_id}}}:campaign")
    assert create(body).status == 503


@pytest.mark.parametrize("field", ["id", "name", "quantity", "opens_at", "closes_at"])
def test_a_missing_field_is_named(service: Settings, campaign_id: str, field: str) -> None:
    body = campaign_body(campaign_id)
    del body[field]
    response = create(body)
    assert (response.status, response.code) == (400, "INVALID_REQUEST")
    assert response.body["detail"].startswith(f"{field}:")
    assert rows(service, "SELECT id FROM campaign") == []


def test_the_state_of_a_campaign_follows_its_window_and_its_quantity(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(f"{campaign_id}-a", opens_in_s=60)
    create_campaign(f"{campaign_id}-b", quantity=1)
    create_campaign(f"{campaign_id}-c", quantity=2)
    create_campaign(f"{campaign_id}-d", opens_in_s=-60, open_for_s=30)
    apply(f"{campaign_id}-b", "winner")
    apply(f"{campaign_id}-c", "winner")
    listed = ask("GET /campaigns")
    assert listed.headers["Cache-Control"] == "max-age=1, stale-if-error=0"
    assert [(c["state"], c["remaining"]) for c in listed.body["campaigns"]] == [
        ("SCHEDULED", 100),
        ("SOLD_OUT", 0),
        ("OPEN", 1),
        ("CLOSED", 100),
    ]
    one = ask("GET /campaigns/{id}", f"{campaign_id}-c")
    # One campaign says what this moment is: by Redis's clock, to the millisecond of its tag.
    now = one.body.pop("now")
    assert one.headers["ETag"] == f'"1-{times.from_iso(now)}"'
    assert one.body == listed.body["campaigns"][2]
    assert one.headers["Cache-Control"] == "max-age=1, stale-if-error=0"
    assert ask("GET /campaigns/{id}", f"{campaign_id}-e").code == "CAMPAIGN_NOT_FOUND"


@pytest.mark.parametrize("name", WRITTEN, ids=ascii)
def test_a_name_that_people_write_comes_back_from_both_servers_as_it_was(
    service: Settings, campaign_id: str, name: str
) -> None:
    named = campaign_body(campaign_id) | {"name": name}
    assert [create(named).status, create(named).status] == [201, 200]
    assert rows(service, "SELECT name FROM campaign") == [(name,)]
    assert ask("GET /campaigns/{id}", campaign_id).body["name"] == name


@pytest.mark.parametrize("text", NASTY)
def test_text_that_means_something_to_sql_or_lua_is_text_like_any_other(
    service: Settings, campaign_id: str, text: str
) -> None:
    named = campaign_body(campaign_id) | {"name": text}
    assert create(named).body["name"] == text
    assert create(named).status == 200
    assert ask("GET /campaigns/{id}", campaign_id).body["name"] == text
    user = text.replace(" ", "_")
    assert apply(campaign_id, user).body["user_id"] == user
    consume_handler(kafka_event([message(campaign_id, user, 1)]), None)
    assert rows(service, "SELECT user_id FROM coupon") == [(user,)]
    assert ask("GET /campaigns/{id}/coupon", campaign_id, user=user).body["status"] == "ISSUED"
    assert failed_events({"user_id": user}).body["failed_events"] == []
    for name in ("campaign_id", "status", "reason", "after", "limit"):
        assert failed_events({name: text}).status == 400
    assert winners(campaign_id, {"after": text}).status == 400
    for call in ("GET /campaigns/{id}", "POST /campaigns/{id}/apply"):
        assert ask(call, text, user="42").code == "CAMPAIGN_NOT_FOUND"


@pytest.mark.parametrize(
    "call",
    [
        "POST /campaigns",
        "GET /campaigns/{id}/stats",
        "GET /campaigns/{id}/coupons",
        "GET /failed-events",
    ],
)
def test_administrators_calls_need_a_token_and_the_scope(
    service: Settings, campaign_id: str, call: str
) -> None:
    anonymous = ask(call, campaign_id)
    assert (anonymous.status, anonymous.code) == (401, "UNAUTHENTICATED")
    assert anonymous.headers["WWW-Authenticate"] == "Bearer"
    user = ask(call, campaign_id, user="42", scope="coupon:administrator")
    assert (user.status, user.code) == (403, "FORBIDDEN")


def test_ready_names_the_state_of_each_server(service: Settings) -> None:
    ready = ask("GET /ready")
    assert (ready.status, ready.body) == (
        200,
        {"status": "ready", "redis": "ok", "kafka": "ok", "mysql": "ok"},
    )
    cut_off_redis(service)
    eventually(lambda: ask("GET /ready").status == 503, "the end of what is remembered")
    missing = ask("GET /ready")
    assert (missing.status, missing.body["redis"]) == (503, "unavailable")
    assert missing.headers["Retry-After"] == "1"
    assert ask("GET /health").status == 200
