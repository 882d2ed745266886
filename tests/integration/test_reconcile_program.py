"""`python -m local.reconcile` and the administrator's page: their output and exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.domain.reconciliation.differences import Kind
from handlers.domain.reconciliation.law import StateCounts
from tests.support.drift import Redis, issue, lose_campaign, lose_epoch, run, spoil
from tests.support.service import ADMIN, ask, create_campaign, cut_off_redis

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings


def test_a_person_reads_a_table_of_the_first_differences(
    quick: Settings,
    campaign_id: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("handlers.reconcile.LISTED_MAX", 4)
    spoil(Redis(quick, campaign_id), campaign_id)
    assert run(campaign_id) == 1
    counts = ", ".join(f"{3 if kind is Kind.SERIAL_GAP else 1} {kind}" for kind in Kind)
    assert capsys.readouterr().out.splitlines() == [
        f"{campaign_id}: 8 found",
        f"  {counts}",
        "  KIND               USER      REDIS  MYSQL",
        "  COUNT_MISMATCH     -            19      -  given back without having been given out",
        "  MISSING_ADMISSION  unknown       -      2",
        "  MISSING_ROW        rowless       5      -",
        "  SERIAL_MISMATCH    mismatch      9      3",
        "  … and 4 more",
        "  coupons: 3 issued: 3 usable",
    ]


def test_json_is_one_object_for_each_campaign(
    quick: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create_campaign(f"{campaign_id}-sound")
    spoil(Redis(quick, campaign_id), campaign_id)
    assert run("--json") == 1
    spoilt, sound = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert sound == {
        "campaign_id": f"{campaign_id}-sound",
        "counts": dict.fromkeys(Kind, 0),
        "states": StateCounts().to_json(),
        "differences": [],
        "truncated": False,
    }
    assert spoilt["counts"] == dict.fromkeys(Kind, 1) | {"SERIAL_GAP": 3}
    assert {
        "kind": "SERIAL_MISMATCH",
        "user_id": "mismatch",
        "admitted_serial": 9,
        "issued_serial": 3,
        "detail": "",
    } in spoilt["differences"]
    assert run("--json", "--repair", campaign_id) == 1
    repaired = json.loads(capsys.readouterr().out)
    assert repaired["counts"] == dict.fromkeys(Kind, 0) | {"COUNT_MISMATCH": 1, "PENDING_STALE": 1}
    assert repaired["repaired"]["MISSING_ROW"] == repaired["repaired"]["SERIAL_GAP"] == 1
    assert set(repaired["left"]) == {"COUNT_MISMATCH", "PENDING_STALE"}


def test_over_http_an_administrator_sees_the_first_differences_and_all_counts(
    quick: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = "GET /campaigns/{id}/reconciliation"
    spoil(Redis(quick, campaign_id), campaign_id)
    assert ask(call, campaign_id).status == 401
    assert ask(call, campaign_id, user="42").status == 403
    monkeypatch.setattr("handlers.reconcile.LISTED_MAX", 3)
    response = ask(call, campaign_id, user="admin", scope=ADMIN)
    assert response.status == 200
    assert response.body["counts"] == dict.fromkeys(Kind, 1) | {"SERIAL_GAP": 3}
    assert len(response.body["differences"]) == 3
    assert (response.body["truncated"], response.body["next_after"]) == (True, None)
    beyond = ask(call, campaign_id, user="admin", scope=ADMIN, query={"after": "6"})
    assert {d["kind"] for d in beyond.body["differences"]} == {"SERIAL_MISMATCH", "PENDING_STALE"}
    assert not beyond.body["truncated"]
    monkeypatch.setattr("handlers.reconcile.RECONCILE_NOW_S", 0)
    cut_short = ask(call, campaign_id, user="admin", scope=ADMIN, query={"after": "2"})
    assert (cut_short.body["truncated"], cut_short.body["next_after"]) == (True, 2)


@pytest.mark.parametrize(
    ("lose", "said"), [(lose_epoch, "Redis restarted or lost"), (lose_campaign, "not in Redis")]
)
def test_a_campaign_that_redis_is_not_sure_of_is_a_503_and_exit_code_1(
    quick: Settings,
    campaign_id: str,
    capsys: pytest.CaptureFixture[str],
    lose: Callable[[Redis], None],
    said: str,
) -> None:
    create_campaign(f"{campaign_id}-sound")
    create_campaign(campaign_id)
    lose(Redis(quick, campaign_id))
    call = "GET /campaigns/{id}/reconciliation"
    response = ask(call, campaign_id, user="admin", scope=ADMIN)
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert said in response.body["detail"]
    capsys.readouterr()
    assert run("--repair") == 1
    shown = capsys.readouterr()
    assert shown.err.startswith(f"{campaign_id}: not compared: ")
    assert said in shown.err
    assert shown.out == f"{campaign_id}-sound: nothing found\n"


def test_unreachable_servers_are_exit_code_1_and_no_password_is_shown(
    quick: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create_campaign(campaign_id)
    cut_off_redis(quick)
    assert run() == run(campaign_id) == 1
    shown = capsys.readouterr().err
    assert "ot compared: Redis gave no answer" in shown
    assert "redis-password" not in shown


def test_an_unknown_campaign_and_wrong_settings_are_exit_code_2(
    quick: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("unknown") == 2
    assert "Neither Redis nor MySQL has the campaign unknown." in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        run("No Id")
    monkeypatch.setenv("REDIS_URL", "nonsense")
    wiring.reset()
    assert run() == 2
    assert "Wrong settings: REDIS_URL must begin with" in capsys.readouterr().err


def test_ctrl_c_ends_with_one_sentence(
    quick: Settings,
    campaign_id: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoil(Redis(quick, campaign_id), campaign_id)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("handlers.domain.reconciliation.reconciler.time.sleep", interrupted)
    assert run() == 130
    assert capsys.readouterr().err.endswith("Interrupted: what was not reported is not compared.\n")


def test_long_comparisons_say_how_far_they_are(
    quick: Settings,
    campaign_id: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.reconcile.progress.INTERVAL_S", 0)
    create_campaign(campaign_id)
    issue(campaign_id, "a", "b")
    capsys.readouterr()
    assert run() == 0
    assert capsys.readouterr().err == f"\r{campaign_id}: 2 of 2 serials compared\n"
