"""Reconciliation on real servers: it names every difference and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.redis import reconciliation as admission_reader
from handlers.consume import consume_handler
from handlers.domain.reconciliation import reconciler as comparison
from handlers.domain.reconciliation.differences import Kind
from tests.support.drift import SPOILT, Redis, admit, findings, issue, run, spoil
from tests.support.service import apply, create_campaign, kafka_event, message, redis_dump, rows

if TYPE_CHECKING:
    import pytest

    from handlers.config import Settings


def test_a_sound_campaign_has_no_difference(
    quick: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create_campaign(campaign_id)
    issue(campaign_id, "a", "b")
    assert apply(campaign_id, "c").body["serial"] == 3
    assert run() == run(campaign_id, "--repair") == 0
    assert capsys.readouterr().out == 2 * (
        f"{campaign_id}: nothing found\n  coupons: 2 issued: 2 usable\n"
    )


def test_every_kind_is_named(quick: Settings, campaign_id: str) -> None:
    spoil(Redis(quick, campaign_id), campaign_id)
    assert sorted(findings(campaign_id), key=str) == sorted(SPOILT, key=str)


def test_looking_changes_nothing(quick: Settings, campaign_id: str) -> None:
    spoil(Redis(quick, campaign_id), campaign_id)
    before = redis_dump(quick)
    assert findings(campaign_id)
    assert redis_dump(quick) == before


def test_pages_and_batches_hide_nothing(
    quick: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "PAGE", 4)
    monkeypatch.setattr(comparison, "LOOKUP", 2)
    monkeypatch.setattr(comparison, "BATCH", 3)
    monkeypatch.setattr(admission_reader, "BATCH", 2)
    redis = Redis(quick, campaign_id)
    spoil(redis, campaign_id)
    redis("RPUSH", "returned", 6, 3, 2, 7)
    for n in range(7):  # more with one serial than a page holds
        redis("ZADD", "applied_user", 1, f"twin-{n}")
    assert sorted(findings(campaign_id), key=str) == sorted(
        [
            *(one for one in SPOILT if one[0] is not Kind.SERIAL_GAP),
            *((Kind.MISSING_ROW, f"twin-{n}") for n in range(7)),
            (Kind.COUNT_MISMATCH, 7),  # held and returned
        ],
        key=str,
    )


def test_serials_that_no_campaign_has_are_seen(quick: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=5)
    redis = Redis(quick, campaign_id)
    for user, serial in (("below", -3), ("none", 0), ("above", 10**15)):
        redis("ZADD", "applied_user", serial, user)
    assert sorted(findings(campaign_id), key=str) == [
        (Kind.MISSING_ROW, user) for user in ("above", "below", "none")
    ]


def test_a_waiting_failed_event_is_not_a_missing_row_and_one_given_up_is(
    quick: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create_campaign(campaign_id, quantity=5)
    for user in ("waits", "dead"):
        admit(campaign_id, user)
    consume_handler(kafka_event([message(campaign_id, "dead", 99)]), None)
    consume_handler(kafka_event([message(campaign_id, "waits", 99)], first=1), None)
    rows(quick, "UPDATE failed_event SET status = 'DEAD' WHERE user_id = 'dead'")
    for user in ("waits", "dead"):
        Redis(quick, campaign_id)("ZREM", "pending", user)
    assert findings(campaign_id) == [(Kind.MISSING_ROW, "dead")]
    assert run(campaign_id, "--repair") == 1
    assert "MISSING_ROW is left: given up in failed_event" in capsys.readouterr().out
    assert Redis(quick, campaign_id)("ZCARD", "pending") == 0
