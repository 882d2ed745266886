"""A campaign that lost some of its keys in Redis, while its hash says that it is open."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.redis.admissions import ADMIT
from handlers.adapters.redis.client import connect
from handlers.rebuild import rebuild_handler
from tests.support.mutated import change
from tests.support.service import ADMIN, apply, ask, campaign_body, create_campaign

if TYPE_CHECKING:
    from handlers.config import Settings

pytestmark = pytest.mark.servers

COUNT, USERS = "coupon_count", "applied_user"
GUARD = "if is_incomplete(KEYS[2], KEYS[3], KEYS[4]) then"
COUNTED = "count or tonumber(redis.call('GET', KEYS[3]))"


@pytest.fixture
def opened(lossy: Settings, campaign_id: str) -> Settings:
    """A campaign with two coupons, of which a winner has the first."""
    create_campaign(campaign_id, quantity=2)
    assert apply(campaign_id, "winner").body["serial"] == 1
    return lossy


def lose(settings: Settings, campaign_id: str, *keys: str) -> None:
    with closing(connect(settings)) as redis:
        assert redis.delete(*(f"coupon:{{{campaign_id}}}:{key}" for key in keys)) == len(keys)


@pytest.mark.parametrize("keys", [(COUNT,), (USERS,), (COUNT, USERS)])
def test_a_campaign_without_its_keys_is_closed_until_a_rebuild_and_gives_no_serial_twice(
    opened: Settings, campaign_id: str, keys: tuple[str, ...]
) -> None:
    lose(opened, campaign_id, *keys)
    assert apply(campaign_id, "next").status == 503
    assert ask("GET /campaigns/{id}", campaign_id).status == 503
    assert ask("GET /campaigns/{id}/coupon", campaign_id, user="next").status == 503
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert apply(campaign_id, "next").body["serial"] == 2
    winner = apply(campaign_id, "winner")
    assert (winner.code, winner.body["serial"]) == ("ALREADY_APPLIED", 1)
    assert apply(campaign_id, "late").code == "SOLD_OUT"


def test_control_without_the_guard_the_serial_of_the_winner_is_given_again(
    opened: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(opened, campaign_id, COUNT, USERS)
    change(monkeypatch, ADMIT, GUARD, "if false then")
    change(monkeypatch, ADMIT, COUNTED, COUNTED + " or 0")
    assert apply(campaign_id, "next").body["serial"] == 1


def test_a_winner_whose_key_is_lost_is_not_answered_sold_out(
    opened: Settings, campaign_id: str
) -> None:
    assert apply(campaign_id, "last").body["serial"] == 2
    lose(opened, campaign_id, USERS)
    for _ in range(2):  # no process remembers a rejection either
        assert apply(campaign_id, "winner").status == 503
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert apply(campaign_id, "winner").code == "ALREADY_APPLIED"


def test_a_repeated_creation_does_not_take_it_for_open(lossy: Settings, campaign_id: str) -> None:
    body = campaign_body(campaign_id, quantity=2)
    for expected in (201, 200):
        assert ask("POST /campaigns", user="admin", scope=ADMIN, body=body).status == expected
    lose(lossy, campaign_id, COUNT)
    assert ask("POST /campaigns", user="admin", scope=ADMIN, body=body).status == 503


def test_a_campaign_of_which_nothing_is_given_is_complete(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=2)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    with closing(connect(lossy)) as redis:
        assert redis.get(f"coupon:{{{campaign_id}}}:{COUNT}") == b"0"


def test_a_campaign_of_which_everything_was_given_back_is_complete(
    opened: Settings, campaign_id: str
) -> None:
    with closing(connect(opened)) as redis:
        key = f"coupon:{{{campaign_id}}}:"
        redis.delete(key + USERS)
        redis.rpush(key + "returned", 1)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert apply(campaign_id, "next").body["serial"] == 1
