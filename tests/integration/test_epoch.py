"""`coupon:epoch`: set only while there is nothing that Redis could have forgotten."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import redis

from handlers.adapters.migration.epoch import EpochState, ensure_epoch
from handlers.config import Settings
from local import migrate as program
from local.migrate import database_address
from local.servers import Valkey
from local.servers.ports import free_port
from tests.support.state import add_campaign, epoch_of, history_of, retry_deadline, set_epoch

if TYPE_CHECKING:
    from handlers.database_address import DatabaseAddress


@pytest.fixture
def address(clean: Settings) -> DatabaseAddress:
    return database_address(clean)


def test_the_epoch_is_the_replication_id_while_mysql_has_no_campaign(
    clean: Settings, address: DatabaseAddress
) -> None:
    set_epoch(clean, None)
    assert ensure_epoch(clean, address, retry_deadline()) is EpochState.SET
    assert epoch_of(clean) == history_of(clean)
    assert ensure_epoch(clean, address, retry_deadline()) is EpochState.KNOWN


def test_an_epoch_of_an_earlier_run_is_replaced_while_there_is_nothing_to_forget(
    clean: Settings, address: DatabaseAddress
) -> None:
    set_epoch(clean, "another run")
    assert ensure_epoch(clean, address, retry_deadline()) is EpochState.SET
    assert epoch_of(clean) == history_of(clean)


def test_a_redis_that_lost_its_campaigns_stays_closed_and_it_is_reported(
    clean: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    add_campaign(clean)
    set_epoch(clean, None)
    assert program.main([]) == 0
    assert "apply answers 503 until it is rebuilt" in capsys.readouterr().out
    assert epoch_of(clean) is None


def test_a_redis_that_restarted_stays_closed_and_it_is_reported(
    clean: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    add_campaign(clean)
    set_epoch(clean, "another run")
    assert program.main([]) == 0
    assert "Redis restarted" in capsys.readouterr().out
    assert epoch_of(clean) == b"another run"


def test_without_the_epoch_check_only_the_presence_of_the_mark_counts(
    clean: Settings, environment: dict[str, str], address: DatabaseAddress
) -> None:
    unchecked = Settings.from_environment(environment | {"REDIS_EPOCH": "off"})
    set_epoch(clean, None)
    assert ensure_epoch(unchecked, address, retry_deadline()) is EpochState.SET
    add_campaign(clean)
    assert ensure_epoch(unchecked, address, retry_deadline()) is EpochState.KNOWN
    set_epoch(clean, None)
    assert ensure_epoch(unchecked, address, retry_deadline()) is EpochState.LOST


@pytest.mark.usefixtures("clean")
def test_the_epoch_goes_to_the_node_that_owns_it_in_a_cluster(
    environment: dict[str, str], address: DatabaseAddress
) -> None:
    options = {
        "cluster-enabled": "yes",
        "cluster-port": str(free_port()),
        "cluster-require-full-coverage": "no",
    }
    with Valkey(options=options) as valkey:
        with closing(redis.Redis.from_url(valkey.url)) as node:
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        clustered = Settings.from_environment(
            environment | {"REDIS_URL": f"redis://{valkey.address}", "REDIS_CLUSTER": "on"}
        )
        # A single node needs a moment to find its cluster complete: waited for like any server.
        assert ensure_epoch(clustered, address, retry_deadline()) is EpochState.SET
        assert epoch_of(clustered) == history_of(clustered)
        assert ensure_epoch(clustered, address, retry_deadline()) is EpochState.KNOWN
