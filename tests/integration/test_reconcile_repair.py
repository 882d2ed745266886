"""Repair after a reconciliation: it repairs what is safe, and only names the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import operations
from handlers.domain.errors import StaleStateError
from handlers.domain.reconciliation.differences import Kind
from handlers.relay import relay_handler
from tests.support.drift import (
    LONG_AGO_MS,
    Redis,
    admit,
    findings,
    issue,
    lose_campaign,
    lose_epoch,
    run,
    spoil,
)
from tests.support.service import ADMIN, ask, coupons, create_campaign

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response


def test_repair_mends_what_is_safe_and_says_what_it_leaves(
    quick: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    redis = Redis(quick, campaign_id)
    spoil(redis, campaign_id)
    assert run(campaign_id, "--repair") == 1
    shown = capsys.readouterr().out
    assert shown.startswith(f"{campaign_id}: 2 left\n  repaired: ")
    for kind in ("MISSING_ROW", "MISSING_ADMISSION", "SERIAL_MISMATCH", "SERIAL_GAP"):
        assert f"1 {kind}" in shown
        assert f"{kind} is left" not in shown
    assert "PENDING_STALE is left: the relay sends them" in shown
    assert "COUNT_MISMATCH is left: no repair is safe" in shown
    assert sorted(findings(campaign_id), key=str) == [
        (Kind.COUNT_MISMATCH, 19),
        (Kind.PENDING_STALE, "stale"),
    ]
    assert redis("LRANGE", "returned", 0, -1) == [b"19", b"6"]


def test_the_call_repairs_what_needs_no_look_at_the_topic_and_may_be_repeated(
    quick: Settings, campaign_id: str
) -> None:
    redis = Redis(quick, campaign_id)
    spoil(redis, campaign_id)
    gaps = [one for one in findings(campaign_id) if one[0] is Kind.SERIAL_GAP]
    repaired = repair_over_http(campaign_id).body
    kinds = {Kind.MISSING_ROW, Kind.MISSING_ADMISSION, Kind.SERIAL_MISMATCH}
    assert {kind for kind, count in repaired["repaired"].items() if count} == kinds
    assert repaired["counts"]["SERIAL_GAP"] == len(gaps)
    assert (repaired["truncated"], repaired["next_after"]) == (False, None)
    left = [kind for kind, _ in findings(campaign_id)]
    assert kinds.isdisjoint(left)
    assert Kind.SERIAL_GAP in left
    assert sum(repair_over_http(campaign_id).body["repaired"].values()) == 0


def test_the_call_needs_an_administrator_and_a_campaign(
    service: Settings, campaign_id: str
) -> None:
    call = "POST /campaigns/{id}/repair"
    assert ask(call, campaign_id, user="42").status == 403
    assert repair_over_http(campaign_id).code == "CAMPAIGN_NOT_FOUND"
    create_campaign(campaign_id)
    lose_campaign(Redis(service, campaign_id))
    assert repair_over_http(campaign_id).status == 503


def repair_over_http(campaign_id: str) -> Response:
    return ask("POST /campaigns/{id}/repair", campaign_id, user="admin", scope=ADMIN)


def test_what_was_made_pending_is_sent_by_the_relay_and_written(
    quick: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create_campaign(campaign_id)
    admit(campaign_id, "rowless")
    redis = Redis(quick, campaign_id)
    redis("ZREM", "pending", "rowless")
    assert run("--repair", campaign_id) == 0
    assert "nothing left\n  repaired: 1 MISSING_ROW\n" in capsys.readouterr().out
    redis("ZINCRBY", "pending", -LONG_AGO_MS, "rowless")
    assert relay_handler({}, None) == {"sent": 1}
    issue(campaign_id, "rowless")
    assert coupons(quick, campaign_id) == [("rowless", 1)]
    assert run() == 0


def test_only_the_user_of_that_serial_who_is_not_pending_is_made_pending(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    for user in ("a", "b", "c"):
        admit(campaign_id, user)
    redis = Redis(service, campaign_id)
    redis("ZREM", "pending", "a", "b")
    since = redis("ZSCORE", "pending", "c")
    entries = [(1, "a"), (1, "b"), (3, "c"), (4, "nobody")]
    assert operations.admission_reader().make_pending(campaign_id, entries) == 1
    assert set(redis("ZRANGE", "pending", 0, -1)) == {b"a", b"c"}
    assert redis("ZSCORE", "pending", "c") == since


def test_a_campaign_that_is_closed_in_the_middle_is_not_compared_and_not_repaired(
    quick: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = Redis(quick, campaign_id)
    spoil(redis, campaign_id)
    register = operations.admission_reader()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(
            "handlers.domain.reconciliation.reconciler.time.sleep", lambda _: lose_epoch(redis)
        )
        with pytest.raises(StaleStateError):
            findings(campaign_id)
    for lose in (lose_epoch, lose_campaign):
        lose(redis)
        for act in (
            lambda: register.lookup_users(campaign_id, ["a"]),
            lambda: register.unassigned_serials(campaign_id, [1]),
            lambda: register.make_pending(campaign_id, [(5, "rowless")]),
            lambda: register.give_back(campaign_id, [6]),
        ):
            with pytest.raises(StaleStateError):
                act()
    assert redis("ZSCORE", "pending", "rowless") is None
