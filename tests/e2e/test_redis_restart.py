"""A restarted Redis gives no serial before it is opened again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from handlers.adapters.redis.client import connect
from handlers.config import Settings
from tests.e2e.conftest import gateway, relayed_poll_runner
from tests.e2e.test_happy_path import apply, create
from tests.support.http_client import Call
from tests.support.programs import running
from tests.support.service import coupons
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from local.servers import Valkey


def migrate(environment: dict[str, str]) -> str:
    """Run the migration as an operator would and return what it printed."""
    return _output("local.migrate", environment)


def rebuild(environment: dict[str, str]) -> str:
    """Run the rebuild as an operator would and return what it printed."""
    return _output("local.rebuild", environment)


def _output(module: str, environment: dict[str, str]) -> str:
    with running(module, environment=environment) as program:
        assert program.wait() == 0, "\n".join(program.err.seen)
        return "\n".join(program.out.seen)


def test_after_a_restart_of_redis_apply_returns_503_until_it_is_opened_again(
    world: dict[str, str], private_valkey: Valkey, campaign_id: str
) -> None:
    world |= {"REDIS_URL": private_valkey.url, "REDIS_CLUSTER": "off"}
    settings = Settings.from_environment(world)
    migrate(world)
    with gateway(world) as client, relayed_poll_runner(world):
        assert create(client, campaign_id, 10).status == 201
        first = client.send(apply(campaign_id, "first"))
        eventually(lambda: len(coupons(settings, campaign_id)) == 1, "the first row")
        private_valkey.kill()
        private_valkey.start()
        for user in ("first", "second"):
            response = client.send(apply(campaign_id, user))
            assert (response.status, response.code) == (503, "UNAVAILABLE")
            assert response.headers["Retry-After"] == "1"
        assert client.send(Call("GET", f"/campaigns/{campaign_id}")).status == 503
        # The client still gets what MySQL knows.
        mine = client.send(Call("GET", f"/campaigns/{campaign_id}/coupon", "first"))
        assert (mine.status, mine.body["status"]) == (200, "ISSUED")
        assert "503" in migrate(world)
        assert client.send(apply(campaign_id, "second")).status == 503
        assert rebuild(world) == f"Opened again: {campaign_id}."
        assert rebuild(world) == "Everything is open."
        again = client.send(apply(campaign_id, "first"))
        assert (again.code, again.body["serial"]) == ("ALREADY_APPLIED", first.body["serial"])
        assert client.send(apply(campaign_id, "second")).body["serial"] == 2


def test_a_redis_that_lost_everything_is_opened_with_every_coupon_of_mysql(
    world: dict[str, str], private_valkey: Valkey, campaign_id: str
) -> None:
    world |= {"REDIS_URL": private_valkey.url, "REDIS_CLUSTER": "off"}
    settings = Settings.from_environment(world)
    migrate(world)
    with gateway(world) as client, relayed_poll_runner(world):
        assert create(client, campaign_id, 3).status == 201
        for user in ("first", "second"):
            assert client.send(apply(campaign_id, user)).status == 202
        eventually(lambda: len(coupons(settings, campaign_id)) == 2, "two rows")
        with closing(connect(settings)) as redis:
            redis.flushall()
        assert client.send(apply(campaign_id, "third")).status == 503
        assert create(client, campaign_id, 3).status in {409, 503}
        rebuild(world)
        codes = [client.send(apply(campaign_id, user)).code for user in ("second", "third", "4th")]
        assert codes == ["ALREADY_APPLIED", "ACCEPTED", "SOLD_OUT"]
        eventually(lambda: len(coupons(settings, campaign_id)) == 3, "the third row")


def test_the_scheduler_opens_a_restarted_redis_again_by_itself_within_seconds(
    world: dict[str, str], private_valkey: Valkey, campaign_id: str
) -> None:
    world |= {"REDIS_URL": private_valkey.url, "REDIS_CLUSTER": "off"}
    settings = Settings.from_environment(world)
    migrate(world)
    with (
        gateway(world) as client,
        relayed_poll_runner(world),
        running("local.scheduler", environment=world) as scheduler,
    ):
        assert create(client, campaign_id, 10).status == 201
        first = client.send(apply(campaign_id, "first"))
        eventually(lambda: len(coupons(settings, campaign_id)) == 1, "the first row")
        private_valkey.kill()
        private_valkey.start()
        assert client.send(apply(campaign_id, "second")).status == 503
        # The promise is 5 s; a machine that runs other tests as well gets twice as much.
        eventually(
            lambda: client.send(apply(campaign_id, "second")).status == 202, "it is open", 10
        )
        again = client.send(apply(campaign_id, "first"))
        assert (again.code, again.body["serial"]) == ("ALREADY_APPLIED", first.body["serial"])
        assert scheduler.stop() == 0
