"""Receivers that are away, dead, slow or gone, and a sender that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING

import pytest

from handlers import webhook_clients, wiring
from handlers.adapters import webhook_client
from handlers.adapters.mysql.database import Database
from handlers.adapters.mysql.deliveries import Deliveries
from handlers.adapters.mysql.webhooks import Webhooks
from handlers.adapters.webhook_sender import WebhookSender
from handlers.domain.errors import UnavailableError
from tests.support.receiver import (
    NOTHING,
    admin,
    deliveries,
    issue,
    let_pass,
    receiver,
    send,
    subscribe,
)
from tests.support.service import create_campaign, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from tests.support.receiver import Received, Receiver

HOUR_S, DAY_S = 3600, 86_400
LEASE_S = 60


@pytest.fixture
def shop(service: Settings, campaign_id: str) -> Iterator[Receiver]:
    """A receiver of coupon.issued."""
    create_campaign(campaign_id, quantity=1000)
    with receiver() as made:
        subscribe(made.url, "coupon.issued")
        yield made


def test_a_receiver_that_was_away_for_an_hour_gets_everything_within_minutes(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    shop.answer_always(503)
    for minute in range(60):
        issue(campaign_id, minute + 1)
        send()
        let_pass(service, 60)
    probes = len(shop.received)
    assert 30 < probes < 120  # about one a minute, not 60 events as often as each is due
    shop.received.clear()
    shop.answer_always(204)
    send()
    let_pass(service, 60)
    send()
    everything = {f"coupon_issued:{campaign_id}:{serial}" for serial in range(1, 61)}
    assert sorted(shop.ids()) == sorted(everything)
    assert {status for _, status, _ in deliveries(service)} == {"DELIVERED"}
    let_pass(service, DAY_S)
    assert send() == NOTHING


def test_an_event_is_tried_with_growing_pauses_for_three_days_and_then_given_up(
    service: Settings, shop: Receiver, campaign_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    shop.answer_always(500)
    issue(campaign_id, 1)
    pauses: list[float] = []
    while send()["failed"]:
        left = (
            "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), next_attempt_at)"
            " FROM webhook_delivery"
        )
        [(microseconds,)] = rows(service, left)
        pauses.append(microseconds / 1e6)
        let_pass(service, pauses[-1] + 1)
    assert pauses[:6] == sorted(pauses[:6])
    assert 3 < pauses[0] < 7
    assert max(pauses) < 8 * HOUR_S
    # The last attempt is not long before the end: the next one would come after it.
    assert 2.5 * DAY_S < sum(pauses) < 3 * DAY_S
    assert len(shop.received) == len(pauses) + 1 in range(14, 24)
    assert [status for _, status, _ in deliveries(service)] == ["DEAD"]
    [alarm] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert vars(alarm)["fields"]["DeadWebhookDeliveries"] == 1
    let_pass(service, DAY_S)
    assert send() == NOTHING
    [log] = admin("GET /webhooks/{webhook}/deliveries", webhook=only_id(service)).body["deliveries"]
    assert (log["status"], log["http_status"]) == ("DEAD", 500)
    assert log["error"] == "the receiver answered 500"


def only_id(settings: Settings) -> str:
    [(webhook_id,)] = rows(settings, "SELECT id FROM webhook")
    return str(webhook_id)


def test_what_no_scheduler_sent_for_three_days_is_given_up_and_may_be_replayed(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    issue(campaign_id, 1)
    let_pass(service, 3 * DAY_S + 1)
    assert send() == NOTHING | {"dead": 1}
    assert shop.received == []
    since = {"since": "2020-01-01T00:00:00Z"}
    replayed = admin("POST /webhooks/{webhook}/replay", since, webhook=only_id(service))
    assert replayed.body == {"replayed": 1, "more": False}
    assert send() == NOTHING | {"delivered": 1}


def test_410_ends_a_webhook_until_an_administrator_brings_it_back(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    shop.answer_always(410)
    issue(campaign_id, 1)
    assert send()["failed"] == 1
    webhook = only_id(service)
    assert admin("GET /webhooks/{webhook}", webhook=webhook).body["state"] == "GONE"
    let_pass(service, HOUR_S)
    issue(campaign_id, 2)
    assert send() == NOTHING
    refused = admin(
        "POST /webhooks/{webhook}/replay", {"since": "2020-01-01T00:00:00Z"}, webhook=webhook
    )
    assert (refused.status, refused.code) == (409, "WEBHOOK_OFF")
    shop.answer_always(200)
    assert admin("PATCH /webhooks/{webhook}", {"active": True}, webhook=webhook).status == 200
    issue(campaign_id, 3)
    assert send()["delivered"] == 2  # what was in the outbox, and what came after
    assert sorted(shop.ids()[1:]) == [f"coupon_issued:{campaign_id}:{n}" for n in (1, 3)]


def test_a_redirect_is_not_followed(service: Settings, shop: Receiver, campaign_id: str) -> None:
    with receiver() as elsewhere:
        shop.answer_always(307, Location=elsewhere.url)
        issue(campaign_id, 1)
        assert send() == NOTHING | {"failed": 1}
        assert elsewhere.received == []


def test_a_receiver_that_asks_for_time_gets_it(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    shop.answer_always(429, Retry_After="600")
    issue(campaign_id, 1)
    send()
    let_pass(service, 595)
    assert send() == NOTHING
    let_pass(service, 6)
    assert send() == NOTHING | {"failed": 1}


def test_one_event_that_a_receiver_refuses_does_not_hold_up_the_others(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    shop.answer = lambda one: (500 if one.id.endswith(":3") else 204, {})
    issue(campaign_id, *range(1, 11))
    assert send() == NOTHING | {"delivered": 9, "failed": 1}
    issue(campaign_id, *range(11, 21))
    assert send()["delivered"] == 10


def test_a_sender_killed_after_sending_sends_the_same_id_again(
    service: Settings, shop: Receiver, campaign_id: str, environment: dict[str, str]
) -> None:
    issue(campaign_id, 1)
    command = [sys.executable, "-m", "local.scheduler", "--once"]
    started = Event()
    sender = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL)
    pid = sender.pid

    def kill(_: Received) -> tuple[int, dict[str, str]]:
        os.kill(pid, signal.SIGKILL)
        started.set()
        return 204, {}

    shop.answer = kill
    assert sender.wait(60) == -signal.SIGKILL
    assert started.is_set()
    assert deliveries(service) == [(f"coupon_issued:{campaign_id}:1", "PENDING", 1)]
    shop.answer_always(204)
    assert send() == NOTHING  # the lease of the one that was killed
    let_pass(service, LEASE_S)
    assert send() == NOTHING | {"delivered": 1}
    assert shop.ids() == [f"coupon_issued:{campaign_id}:1"] * 2
    assert shop.received[0].body == shop.received[1].body


def test_a_result_that_mysql_does_not_take_is_an_error_and_the_event_comes_again(
    service: Settings, shop: Receiver, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(campaign_id, 1)
    with monkeypatch.context() as patch:

        def fail(*_: object) -> int:
            raise UnavailableError

        patch.setattr("handlers.adapters.mysql.deliveries.Deliveries.note", fail)
        with pytest.raises(UnavailableError):
            send()
    let_pass(service, LEASE_S)
    assert send()["delivered"] == 1
    assert shop.ids() == [f"coupon_issued:{campaign_id}:1"] * 2


def another_sender() -> WebhookSender:
    database = Database(wiring.secrets().database_address)
    client = webhook_client.WebhookClient(internal=True)
    secrets = webhook_clients.webhook_secrets
    return WebhookSender(Webhooks(database), Deliveries(database), client, secrets)


def test_two_senders_at_once_send_each_event_once(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    issue(campaign_id, *range(1, 101))
    one, other = webhook_clients.webhook_sender(), another_sender()
    with closing(other), ThreadPoolExecutor(2) as pool:
        done = [pool.submit(sender.run, lambda: True) for sender in (one, other)]
        counts = [each.result()["delivered"] for each in done]
    assert sum(counts) == len(shop.received) == len(set(shop.ids())) == 100


def test_control_without_a_lease_two_senders_send_the_same_events(
    service: Settings, shop: Receiver, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.adapters.mysql.deliveries.LEASE_S", 0)
    both_came = Event()

    def wait(_: Received) -> tuple[int, dict[str, str]]:
        if len(shop.ids()) > len(set(shop.ids())):
            both_came.set()
        both_came.wait(10)
        return 204, {}

    shop.answer = wait
    issue(campaign_id, 1)
    one, other = webhook_clients.webhook_sender(), another_sender()
    with closing(other), ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(sender.run, lambda: True) for sender in (one, other)]:
            done.result()
    assert shop.ids() == [f"coupon_issued:{campaign_id}:1"] * 2
