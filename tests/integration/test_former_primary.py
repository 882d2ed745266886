"""A primary that was cut off without noticing, and replaced: whom does apply accept through it?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.migration.epoch import ensure_epoch
from handlers.adapters.redis import own_connection
from handlers.adapters.redis.admissions import CONFIRM
from handlers.config import Settings
from handlers.consume import consume_handler
from handlers.rebuild import rebuild_handler
from local.migrate import database_address
from local.servers.valkey_group import ask
from tests.support.redis_loss import warm_up
from tests.support.service import apply, coupons, create_campaign, event_of_unread, failures
from tests.support.silent_pair import SilentPair, silent_pair
from tests.support.state import retry_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.servers, pytest.mark.single_redis]
PAGE = 4  # users of each kind
QUANTITY = 4 * PAGE
LONG_S = 3600.0


@pytest.fixture
def pair() -> Iterator[SilentPair]:
    with silent_pair() as made:
        yield made


@pytest.fixture
def service_with(
    lossy: Settings, pair: SilentPair, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], Settings]:
    """The service on the pair, with so many confirming replicas."""

    def start(confirming: int) -> Settings:
        monkeypatch.setenv("REDIS_URL", pair.url)
        monkeypatch.setenv("REDIS_CONFIRMING_REPLICAS", str(confirming))
        settings = Settings.from_environment()
        assert settings.consumer_group == lossy.consumer_group
        ensure_epoch(settings, database_address(settings), retry_deadline())
        wiring.reset()
        warm_up()
        # A confirmation whose script the server does not know yet is none.
        wiring.scripts().command("EVAL", CONFIRM.source, 1, "{any}", "", "0", "")
        return settings

    return start


def accepted(campaign_id: str, kind: str) -> set[str]:
    """Let users of a kind apply, one after the other; return those who are accepted."""
    users = [f"{kind}-{number}" for number in range(PAGE)]
    answers = {user: apply(campaign_id, user) for user in users}
    assert {answer.status for answer in answers.values()} <= {202, 503}
    return {user for user, answer in answers.items() if answer.status == 202}


def history(pair: SilentPair, campaign_id: str) -> dict[str, set[str]]:
    """Play: all is well, the primary is cut off, its replica is promoted and rebuilt.

    This thread has its connection to the first server all the time; another thread connects after
    the promotion. Returns who was accepted when.
    """
    create_campaign(campaign_id, QUANTITY)
    found = {"well": accepted(campaign_id, "well")}
    pair.cut()
    found["cut"] = accepted(campaign_id, "cut")
    pair.promote()
    with ThreadPoolExecutor(1) as elsewhere:
        assert elsewhere.submit(rebuild_handler, {}, None).result() == {"rebuilt": [campaign_id]}
        found["former"] = accepted(campaign_id, "former")
        found["new"] = elsewhere.submit(accepted, campaign_id, "new").result()
    assert pair.first_sees_a_replica  # it never noticed
    return found


def written(settings: Settings, campaign_id: str, kinds: dict[str, set[str]]) -> set[str]:
    """Let the consumer take every record; return whom MySQL has."""
    wiring.reset()  # all connections lead to the new primary
    for kind in kinds:
        for number in range(PAGE):
            consume_handler(event_of_unread(f"{kind}-{number}"), None)
    return {user for user, _ in coupons(settings, campaign_id)}


def test_with_a_confirming_replica_every_accepted_user_has_a_coupon(
    service_with: Callable[[int], Settings], pair: SilentPair, campaign_id: str
) -> None:
    settings = service_with(1)
    found = history(pair, campaign_id)
    assert [len(users) for users in found.values()] == [PAGE, PAGE, 0, PAGE]
    rows = written(settings, campaign_id, found)
    assert set().union(*found.values()) - rows == set()
    # Through the new primary those who got 503 apply again, and are accepted.
    assert len(accepted(campaign_id, "former")) == PAGE


def test_control_without_one_the_former_primary_confirms_users_who_get_no_coupon(
    service_with: Callable[[int], Settings], pair: SilentPair, campaign_id: str
) -> None:
    """What `REDIS_CONFIRMING_REPLICAS=0` leaves open where nothing else stops such a primary."""
    settings = service_with(0)
    found = history(pair, campaign_id)
    assert [len(users) for users in found.values()] == [PAGE] * 4
    rows = written(settings, campaign_id, found)
    assert set().union(*found.values()) - rows == found["former"]
    assert failures(settings, campaign_id) == dict.fromkeys(found["former"], "SUPERSEDED")


@pytest.fixture
def frozen(pair: SilentPair) -> Iterator[Callable[[], None]]:
    """A way to freeze the replica."""
    yield pair.second.freeze
    pair.second.resume()


@pytest.mark.parametrize(("again_s", "waits"), [(LONG_S, 1), (0.0, 2)], ids=["", "control"])
def test_a_frozen_replica_is_waited_for_by_one_applicant_and_mysql_takes_the_coupons(
    service_with: Callable[[int], Settings],
    pair: SilentPair,
    campaign_id: str,
    frozen: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    again_s: float,
    waits: int,
) -> None:
    monkeypatch.setattr(own_connection, "WAIT_AGAIN_S", again_s)
    settings = service_with(1)
    create_campaign(campaign_id, QUANTITY)
    assert apply(campaign_id, "before").status == 202
    asked = pair.waits
    frozen()
    for number, user in enumerate(["first", "second"], 2):
        assert apply(campaign_id, user).body["serial"] == number
    assert pair.waits - asked == waits
    # The consumer has not run: apply wrote them itself, and only them.
    assert coupons(settings, campaign_id) == [("first", 2), ("second", 3)]


def test_once_the_replica_follows_again_admissions_are_confirmed_and_not_written(
    service_with: Callable[[int], Settings],
    pair: SilentPair,
    campaign_id: str,
    frozen: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_connection, "WAIT_AGAIN_S", 0.0)
    settings = service_with(1)
    create_campaign(campaign_id, QUANTITY)
    frozen()
    assert apply(campaign_id, "frozen").status == 202
    pair.second.resume()
    assert ask(pair.first, "WAIT", 1, 10_000) == 1
    assert apply(campaign_id, "after").status == 202
    assert coupons(settings, campaign_id) == [("frozen", 1)]


def test_with_a_frozen_replica_and_a_higher_fence_in_mysql_the_place_is_kept(
    service_with: Callable[[int], Settings],
    pair: SilentPair,
    campaign_id: str,
    frozen: Callable[[], None],
) -> None:
    settings = service_with(1)
    create_campaign(campaign_id, QUANTITY)
    frozen()
    wiring.fences().raise_fence(campaign_id)  # a rebuild has begun elsewhere
    for _ in range(2):
        answer = apply(campaign_id, "42")
        assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert ask(pair.first, "ZCARD", f"coupon:{{{campaign_id}}}:pending") == 1
    assert coupons(settings, campaign_id) == []
