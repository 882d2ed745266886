"""Three sentinels that watch a primary with two replicas, and fail over."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from itertools import count
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.aws.secrets import Secret, SecretVersion
from handlers.adapters.redis.admissions import Admissions
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.scripts import Scripts
from handlers.config import Settings
from handlers.domain.admission import Outcome
from handlers.domain.campaign import Campaign
from handlers.domain.errors import UnavailableError
from local.servers import ValkeyGroup, ValkeySentinel
from local.servers.ports import HOST
from local.servers.valkey_group import ask, await_sentinels
from tests.support.reopened import reopen
from tests.support.single import admit_one
from tests.support.waiting import eventually
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.servers import Valkey

pytestmark = pytest.mark.servers
SERVICE = "shop"
PASSWORD = "s3ntinel-passw0rd"
SERVER_PASSWORD = "r3dis-passw0rd"
FENCES = count(1)
CAMPAIGN = Campaign("welcome", "Welcome", 100, 0, 2**42)


@pytest.fixture
def group() -> Iterator[ValkeyGroup]:
    with ValkeyGroup(replicas=2) as made:
        yield made


@pytest.fixture
def sentinels(group: ValkeyGroup) -> Iterator[list[ValkeySentinel]]:
    made = [ValkeySentinel(SERVICE, group.primary, quorum=2) for _ in range(3)]
    with ExitStack() as running:
        for each in made:
            running.enter_context(each)
        await_sentinels(made)
        yield made


def scripts_on(
    sentinels: Sequence[Valkey], more: str = "", secret: Secret | None = None
) -> Scripts:
    listed = ",".join(each.address for each in sentinels)
    url = f"redis+sentinel://{listed}/{SERVICE}/0{more}"
    settings = Settings.from_environment(ENVIRONMENT | {"REDIS_URL": url})
    return Scripts(lambda: connect(settings, secret), epoch=True)


def rebuild(scripts: Scripts) -> None:
    reopen(scripts, CAMPAIGN, next(FENCES))


def is_admitted(scripts: Scripts, user: str) -> bool:
    """Return whether a user is admitted, where necessary after a rebuild."""
    try:
        if admit_one(Admissions(scripts), CAMPAIGN.id, user).outcome is Outcome.ACCEPTED:
            return True
        rebuild(scripts)
    except UnavailableError:
        pass  # no primary yet
    return False


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_a_client_follows_the_sentinels_to_the_new_primary(
    group: ValkeyGroup, sentinels: list[ValkeySentinel], how: str
) -> None:
    with closing(scripts_on(sentinels)) as scripts:
        rebuild(scripts)
        assert is_admitted(scripts, "1")
        getattr(group.primary, how)()
        eventually(lambda: is_admitted(scripts, "2"), "an admission by the new primary")


def test_a_primary_that_the_sentinels_demoted_is_left(
    group: ValkeyGroup, sentinels: list[ValkeySentinel]
) -> None:
    with closing(scripts_on(sentinels)) as scripts:
        rebuild(scripts)
        assert is_admitted(scripts, "1")
        ask(sentinels[0], "SENTINEL", "FAILOVER", SERVICE)
        before = str(group.primary.port).encode()
        eventually(lambda: port_of_primary(sentinels[0]) != before, "another primary")
        # As the sentinels do, though only after ten seconds. The connection stays open.
        ask(group.primary, "REPLICAOF", HOST, int(port_of_primary(sentinels[0])))
        eventually(lambda: is_admitted(scripts, "2"), "an admission by the new primary")


def port_of_primary(sentinel: ValkeySentinel) -> bytes:
    _, port = ask(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
    return bytes(port)


def test_a_sentinel_that_does_not_respond_is_passed_over(
    sentinels: list[ValkeySentinel],
) -> None:
    sentinels[0].kill()
    with closing(scripts_on(sentinels)) as scripts:
        assert scripts.command("SADD", "a set", "x") == 1


def test_sentinels_and_servers_have_passwords_of_their_own(group: ValkeyGroup) -> None:
    for server in group.servers:
        ask(server, "CONFIG", "SET", "requirepass", SERVER_PASSWORD)
    vault = json.dumps({"username": "default", "password": SERVER_PASSWORD})

    class Vault:
        def read(self, _secret_id: str, stage: str) -> SecretVersion | None:
            return SecretVersion(vault) if stage == "AWSCURRENT" else None

    with ValkeySentinel(
        SERVICE, group.primary, quorum=1, password=PASSWORD, server_password=SERVER_PASSWORD
    ) as sentinel:
        login = f"?sentinel_password={PASSWORD}"
        with closing(scripts_on([sentinel], login, Secret("prod/redis", Vault()))) as scripts:
            assert scripts.command("SADD", "a set", "x") == 1
        with (
            closing(scripts_on([sentinel], "", Secret("prod/redis", Vault()))) as scripts,
            pytest.raises(UnavailableError),
        ):
            scripts.command("SADD", "a set", "x")


def test_a_service_that_the_sentinels_do_not_know_is_unavailable(
    sentinels: list[ValkeySentinel],
) -> None:
    listed = ",".join(each.address for each in sentinels)
    url = {"REDIS_URL": f"redis+sentinel://{listed}/other"}
    settings = Settings.from_environment(ENVIRONMENT | url)
    with (
        closing(Scripts(lambda: connect(settings), epoch=True)) as scripts,
        pytest.raises(UnavailableError) as caught,
    ):
        scripts.command("SADD", "a set", "x")
    assert "No master found for 'other'" in str(caught.value.__cause__)
