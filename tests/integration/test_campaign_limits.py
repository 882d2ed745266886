"""The limits of a campaign on real servers: one address, tokens, challenges, a rebuild."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections import Counter
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.adapters.redis import admissions
from handlers.adapters.redis.client import client_of_key, connect
from handlers.adapters.redis.scripts import Script
from handlers.domain import times
from handlers.domain.challenge import VALID_S, Challenges, FixedSecret
from handlers.rebuild import rebuild_handler
from local.solve import solve
from local.token import sign
from tests.support.service import (
    ADMIN,
    HANDLERS,
    Response,
    ask,
    at_once,
    campaign_body,
    coupons,
    redis_dump,
    rows,
)

if TYPE_CHECKING:
    from handlers.config import Settings

ADDRESS = "203.0.113.7"
APPLY, CHALLENGE = "POST /campaigns/{id}/apply", "GET /campaigns/{id}/challenge"
MEMBERS = {"eligibility": {"claim": "tier", "equals": "gold"}}
WORK = {"challenge": {"max_number": 1_000}}
ACCOUNTS, LIMIT = 300, 5
COMPARISON = "if not applied and not are_checked then"


@pytest.fixture
def limited(service: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The service with its own limits of production."""
    monkeypatch.setenv("APPLY_RATE_PER_S", "10")
    monkeypatch.setenv("APPLY_RATE_PER_ADDRESS_PER_S", "500")
    wiring.reset()
    return service


def create(campaign_id: str, **limits: object) -> Response:
    body = campaign_body(campaign_id) | limits
    return ask("POST /campaigns", user="admin", scope=ADMIN, body=body)


def apply(campaign_id: str, user: str, solution: str = "", **claims: object) -> Response:
    token = sign(
        {"sub": user, "exp": int(time.time()) + 600, **claims}, os.environ["AUTH_JWT_SECRET"]
    )
    event = {
        "headers": {"Authorization": f"Bearer {token}"}
        | ({"Challenge-Solution": solution} if solution else {}),
        "pathParameters": {"id": campaign_id},
        "requestContext": {"requestId": f"test-{user}", "identity": {"sourceIp": ADDRESS}},
    }
    response = HANDLERS[APPLY](event, None)
    return Response(response["statusCode"], response["headers"], json.loads(response["body"]))


def race(campaign_id: str) -> Counter[str]:
    """Let all accounts of one address apply at once; return how often each code was answered."""
    actions = [partial(apply, campaign_id, f"account-{n}") for n in range(ACCOUNTS)]
    return Counter(response.code for response in at_once(actions))


def admitted_in_each_second(settings: Settings, campaign_id: str) -> list[int]:
    """Return how many were admitted, by the seconds of Redis's clock from the opening on."""
    opened = ask("GET /campaigns/{id}", campaign_id).body["opens_at"]
    with closing(connect(settings)) as redis:
        pending: Any = redis.zrange(f"coupon:{{{campaign_id}}}:pending", 0, -1, withscores=True)
    windows = Counter((int(score) - times.from_iso(opened)) // 1000 for _, score in pending)
    return [windows[window] for window in sorted(windows)]


def test_of_300_accounts_of_one_address_a_limit_of_5_admits_5_in_a_second(
    limited: Settings, campaign_id: str
) -> None:
    assert create(campaign_id, rate_per_address=LIMIT).status == 201
    codes = race(campaign_id)
    assert codes["ACCEPTED"] + codes["TOO_MANY_REQUESTS"] == ACCOUNTS
    admitted = admitted_in_each_second(limited, campaign_id)
    assert sum(admitted) == codes["ACCEPTED"]
    assert max(admitted) == LIMIT


def test_without_the_limit_all_100_coupons_go_to_that_address(
    limited: Settings, campaign_id: str
) -> None:
    """The negative control: within the service's own limit of 500 the race takes all of them."""
    assert create(campaign_id).status == 201
    assert race(campaign_id) == {"ACCEPTED": 100, "SOLD_OUT": ACCOUNTS - 100}
    assert max(admitted_in_each_second(limited, campaign_id)) > LIMIT


@pytest.mark.usefixtures("limited")
def test_only_tokens_with_the_claim_get_a_coupon(campaign_id: str) -> None:
    assert create(campaign_id, **MEMBERS).status == 201
    assert apply(campaign_id, "1").code == "NOT_ELIGIBLE"
    assert apply(campaign_id, "2", tier="silver").code == "NOT_ELIGIBLE"
    assert apply(campaign_id, "3", tier="gold").body["serial"] == 1
    assert apply(campaign_id, "4", tier=["silver", "gold"]).body["serial"] == 2
    assert apply(campaign_id, "3").code == "ALREADY_APPLIED"
    assert [apply(campaign_id, "1").status, apply(campaign_id, "1").code] == [403, "NOT_ELIGIBLE"]


def strangers_race(campaign_id: str) -> Counter[str]:
    """Let users with and without the claim apply to a process that knows no rules yet."""
    assert create(campaign_id, **MEMBERS).status == 201
    wiring.reset()
    users = [partial(apply, campaign_id, f"{n}", tier=("gold", "tin")[n % 2]) for n in range(60)]
    return Counter(response.code for response in at_once(users))


@pytest.mark.usefixtures("limited")
def test_a_process_that_knows_no_rules_yet_admits_no_one_against_them(campaign_id: str) -> None:
    assert strangers_race(campaign_id) == {"ACCEPTED": 30, "NOT_ELIGIBLE": 30}


@pytest.mark.usefixtures("limited")
def test_without_the_comparison_in_the_script_strangers_are_admitted(
    campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the first of them come before the process knows the rules."""
    mutant = Script("admission/admit")
    assert mutant.source.count(COMPARISON) == 1
    mutant.source = mutant.source.replace(COMPARISON, "if false then")
    mutant.digest = hashlib.sha1(mutant.source.encode(), usedforsecurity=False).hexdigest()
    monkeypatch.setattr(admissions, "ADMIT", mutant)
    assert strangers_race(campaign_id)["ACCEPTED"] > 30


def challenge_of(campaign_id: str, user: str) -> dict[str, Any]:
    response = ask(CHALLENGE, campaign_id, user=user)
    assert response.status == 200, response
    assert isinstance(response.body, dict)
    return response.body


@pytest.mark.usefixtures("limited")
def test_a_challenge_is_solved_by_its_own_user_for_its_own_campaign(campaign_id: str) -> None:
    other = f"{campaign_id}-2"
    assert [create(one, **WORK).status for one in (campaign_id, other)] == [201, 201]
    right = solve(challenge_of(campaign_id, "1"))
    fields = json.loads(base64.b64decode(right))

    def changed(**change: object) -> str:
        return base64.b64encode(json.dumps(fields | change).encode()).decode()

    secret = os.environ["CHALLENGE_SECRET"]
    earlier = Challenges(FixedSecret(secret), lambda: time.time() - VALID_S - 1)
    wrong = {
        solve(challenge_of(campaign_id, "2")): "signature:",
        solve(challenge_of(other, "1")): "signature:",
        solve(earlier.issue(campaign_id, "1", 1_000)): "expires:",
        changed(number=fields["number"] + 1): "number:",
        changed(salt=f"{'0' * 24}?expires={int(time.time()) + 60}&"): "number:",
        changed(salt=fields["salt"].replace("&", "9&")): "number:",
        changed(signature="0" * 64): "signature:",
        changed(algorithm="MD5"): "algorithm:",
        "nonsense": "the solution must be",
    }
    for solution, detail in wrong.items():
        wiring.scripts().command("DEL", f"coupon:{{{campaign_id}}}:rate")  # ten a second and user
        refused = apply(campaign_id, "1", solution)
        assert (refused.status, refused.code) == (403, "CHALLENGE_FAILED"), solution
        assert refused.body["detail"].startswith(detail)
    assert apply(campaign_id, "1").code in {"CHALLENGE_REQUIRED", "TOO_MANY_REQUESTS"}
    assert apply(campaign_id, "1", right).body["serial"] == 1
    assert apply(campaign_id, "1", right).code == "ALREADY_APPLIED"
    assert apply(other, "1", right).code == "CHALLENGE_FAILED"


def shown(campaign_id: str) -> dict[str, Any]:
    body = ask("GET /campaigns/{id}", campaign_id).body
    return {name: value for name, value in body.items() if name != "now"}


def test_limits_survive_a_redis_that_has_lost_everything(
    limited: Settings, campaign_id: str
) -> None:
    limits = {"rate_per_address": 7, **MEMBERS, **WORK}
    assert create(campaign_id, **limits).status == 201
    before = shown(campaign_id)
    assert {name: before[name] for name in limits} == limits
    hash_before = redis_dump(limited)
    rows(limited, "UPDATE campaign SET created_at = created_at - INTERVAL 1 HOUR")
    with closing(connect(limited)) as redis:
        redis.flushall()
    wiring.reset()
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert shown(campaign_id) == before
    assert redis_dump(limited).keys() == hash_before.keys()
    assert apply(campaign_id, "1", tier="silver").code == "NOT_ELIGIBLE"
    solution = solve(challenge_of(campaign_id, "1"))
    assert apply(campaign_id, "1", solution, tier="gold").body["serial"] == 1
    assert coupons(limited, campaign_id) == []


@pytest.mark.usefixtures("limited")
def test_the_same_body_again_is_the_same_campaign_and_another_limit_is_not(
    campaign_id: str,
) -> None:
    body = campaign_body(campaign_id) | {"rate_per_address": 0, **MEMBERS}

    def post(**change: object) -> int:
        return ask("POST /campaigns", user="admin", scope=ADMIN, body=body | change).status

    assert [post(), post(), post(rate_per_address=1), post(**WORK)] == [201, 200, 409, 409]
    assert post(eligibility={"claim": "tier", "equals": "silver"}) == 409


@pytest.mark.parametrize("limits", [{}, {"rate_per_address": 10}, MEMBERS])
def test_an_apply_costs_redis_the_same_commands_with_and_without_limits(
    limited: Settings, campaign_id: str, limits: dict[str, object]
) -> None:
    assert create(campaign_id, **limits).status == 201
    apply(campaign_id, "first", tier="gold")  # loads the script; learns the rules
    with closing(connect(limited)) as redis:
        owner = client_of_key(redis, f"coupon:{{{campaign_id}}}:campaign")
        owner.config_resetstat()
        assert apply(campaign_id, "second", tier="gold").code == "ACCEPTED"
        stats = owner.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): of["calls"] for name, of in stats.items()}
    assert calls["evalsha"] == 2  # admit and confirm
    inside = {name: calls.get(name, 0) for name in ("hmget", "hget", "zscore", "exists", "time")}
    # admit: the campaign, the window of the address; confirm: the campaign.
    assert inside == {"hmget": 3, "hget": 0, "zscore": 1, "exists": 1, "time": 1}
