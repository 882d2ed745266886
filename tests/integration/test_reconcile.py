"""Reconciliation on real servers: every difference is named, repaired where that is safe."""

from __future__ import annotations

import json
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.adapters import admission_register
from handlers.adapters.redis_client import connect
from handlers.consume import consume_handler
from handlers.domain import comparison
from handlers.domain.errors import StaleStateError, UnavailableError
from handlers.domain.reconciliation import Kind
from handlers.reconcile import compare
from handlers.redrive import redrive_handler
from handlers.relay import relay_handler
from local import reconcile
from tests.support import (
    ADMIN,
    apply,
    ask,
    at_once,
    coupons,
    create_campaign,
    cut_off_redis,
    kafka_event,
    message,
    redis_dump,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings
    from tests.support import Answer

QUICK_S = 0.01
LONG_AGO_MS = 120_000  # four times PENDING_RESEND_AFTER_S


@pytest.fixture
def quick(service: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Nothing is on its way in these tests, so the second look need not wait for it."""
    monkeypatch.setattr(comparison, "LOOK_AGAIN_AFTER_S", QUICK_S)
    return service


class Redis:
    """The keys of one campaign, to spoil them."""

    def __init__(self, settings: Settings, campaign_id: str) -> None:
        self._settings, self._prefix = settings, f"coupon:{{{campaign_id}}}:"

    def __call__(self, command: str, key: str, *args: object) -> Any:
        with closing(connect(self._settings)) as client:
            return client.execute_command(command, self._prefix + key, *args)


def issue(campaign_id: str, *users: str, first: int = 1) -> None:
    """Bring users from first to last into Redis and MySQL, as the consumer does."""
    records = [message(campaign_id, user, serial) for serial, user in enumerate(users, first)]
    consume_handler(kafka_event(records), None)


def admit(campaign_id: str, user: str) -> int:
    return wiring.admissions().admit(campaign_id, user).serial


def findings(campaign_id: str) -> list[tuple[Kind, str | int | None]]:
    return [
        (difference.kind, difference.user_id or difference.admitted_serial)
        for batch in compare(campaign_id).differences()
        for difference in batch
    ]


def spoil(redis: Redis, campaign_id: str) -> None:
    """Bring about one difference of every kind."""
    create_campaign(campaign_id, quantity=20)
    issue(campaign_id, "sound", "unknown", "mismatch")
    for user in ("stale", "rowless", "gap", "fresh"):
        admit(campaign_id, user)
    redis("ZREM", "applied_user", "unknown")
    redis("ZADD", "applied_user", 9, "mismatch")
    redis("ZINCRBY", "pending", -LONG_AGO_MS, "stale")
    redis("ZREM", "pending", "rowless")
    redis("ZREM", "pending", "gap")
    redis("ZREM", "applied_user", "gap")
    redis("SET", "coupon_count", 6)  # of 7


SPOILT = [
    (Kind.COUNT_MISMATCH, None),
    (Kind.MISSING_ADMISSION, "unknown"),
    (Kind.MISSING_ROW, "rowless"),
    (Kind.PENDING_STALE, "stale"),
    (Kind.SERIAL_GAP, 2),
    (Kind.SERIAL_GAP, 3),
    (Kind.SERIAL_GAP, 6),
    (Kind.SERIAL_MISMATCH, "mismatch"),
]


def run(*arguments: str) -> int:
    return reconcile.main(arguments)


def test_a_sound_campaign_has_no_difference(
    quick: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create_campaign(campaign_id)
    issue(campaign_id, "a", "b")
    assert apply(campaign_id, "c").body["serial"] == 3
    assert run() == run(campaign_id, "--repair") == 0
    assert capsys.readouterr().out == f"{campaign_id}: nothing found\n" * 2


def test_every_kind_is_named(quick: Settings, campaign_id: str) -> None:
    spoil(Redis(quick, campaign_id), campaign_id)
    assert sorted(findings(campaign_id), key=str) == sorted(SPOILT, key=str)


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
        "  COUNT_MISMATCH     -             -      -  the count is below the highest serial held",
        "  MISSING_ADMISSION  unknown       -      2",
        "  MISSING_ROW        rowless       5      -",
        "  SERIAL_MISMATCH    mismatch      9      3",
        "  … and 4 more",
    ]


def test_looking_changes_nothing(quick: Settings, campaign_id: str) -> None:
    spoil(Redis(quick, campaign_id), campaign_id)
    before = redis_dump(quick)
    assert findings(campaign_id)
    assert redis_dump(quick) == before


def test_pages_sections_and_batches_hide_nothing(
    quick: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "SECTION", 4)
    monkeypatch.setattr(comparison, "LOOKUP", 2)
    monkeypatch.setattr(comparison, "BATCH", 3)
    monkeypatch.setattr(admission_register, "BATCH", 2)
    redis = Redis(quick, campaign_id)
    spoil(redis, campaign_id)
    redis("RPUSH", "returned", 6, 3, 2, 7, 15)
    for n in range(7):  # more with one serial than a page holds
        redis("ZADD", "applied_user", 1, f"twin-{n}")
    assert sorted(findings(campaign_id), key=str) == sorted(
        [
            *(one for one in SPOILT if one[0] is not Kind.SERIAL_GAP),
            *((Kind.MISSING_ROW, f"twin-{n}") for n in range(7)),
            (Kind.COUNT_MISMATCH, 7),  # held and returned
            (Kind.COUNT_MISMATCH, 15),  # never given out
        ],
        key=str,
    )


def test_serials_that_no_campaign_has_are_seen(quick: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=5)
    redis = Redis(quick, campaign_id)
    for user, serial in (("below", -3), ("none", 0), ("above", 10**15)):
        redis("ZADD", "applied_user", serial, user)
    assert sorted(findings(campaign_id), key=str) == [
        (Kind.COUNT_MISMATCH, None),
        *((Kind.MISSING_ROW, user) for user in ("above", "below", "none")),
    ]


def test_a_failed_event_that_waits_is_no_missing_row_and_one_given_up_is(
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


def test_repair_mends_what_is_safe_and_says_what_it_leaves(
    quick: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    redis = Redis(quick, campaign_id)
    spoil(redis, campaign_id)
    assert run(campaign_id, "--repair") == 1
    shown = capsys.readouterr().out
    assert shown.startswith(f"{campaign_id}: 2 left\n  repaired: ")
    for kind in ("MISSING_ROW", "MISSING_ADMISSION", "SERIAL_MISMATCH", "COUNT_MISMATCH"):
        assert f"1 {kind}" in shown
        assert f"{kind} is left" not in shown
    assert "PENDING_STALE is left: the relay sends them" in shown
    assert "SERIAL_GAP is left: a rebuild gives them back" in shown
    assert sorted(findings(campaign_id), key=str) == [
        (Kind.PENDING_STALE, "stale"),
        (Kind.SERIAL_GAP, 6),
    ]
    assert redis("GET", "coupon_count") == b"7"


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


def test_only_who_holds_that_very_serial_and_is_not_pending_is_made_pending(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    for user in ("a", "b", "c"):
        admit(campaign_id, user)
    redis = Redis(service, campaign_id)
    redis("ZREM", "pending", "a", "b")
    since = redis("ZSCORE", "pending", "c")
    entries = [(1, "a"), (1, "b"), (3, "c"), (4, "nobody")]
    assert wiring.admission_register().make_pending(campaign_id, entries) == 1
    assert set(redis("ZRANGE", "pending", 0, -1)) == {b"a", b"c"}
    assert redis("ZSCORE", "pending", "c") == since


def test_the_count_is_raised_to_what_is_held_never_lowered_and_never_above_the_quantity(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    redis, register = Redis(service, campaign_id), wiring.admission_register()
    assert not register.raise_count(campaign_id)
    redis("ZADD", "applied_user", 4, "a", 6, "above")
    assert register.raise_count(campaign_id)
    assert not register.raise_count(campaign_id)
    redis("ZREM", "applied_user", "a")
    assert not register.raise_count(campaign_id)
    assert redis("GET", "coupon_count") == b"4"


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
    assert repaired["counts"] == dict.fromkeys(Kind, 0) | {"SERIAL_GAP": 1, "PENDING_STALE": 1}
    assert repaired["repaired"]["MISSING_ROW"] == repaired["repaired"]["COUNT_MISMATCH"] == 1
    assert set(repaired["left"]) == {"SERIAL_GAP", "PENDING_STALE"}


def test_over_http_an_administrator_sees_the_first_differences_and_all_counts(
    quick: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = "GET /campaigns/{id}/reconciliation"
    spoil(Redis(quick, campaign_id), campaign_id)
    assert ask(call, campaign_id).status == 401
    assert ask(call, campaign_id, user="42").status == 403
    monkeypatch.setattr("handlers.reconcile.LISTED_MAX", 3)
    answer = ask(call, campaign_id, user="admin", scope=ADMIN)
    assert answer.status == 200
    assert answer.body["counts"] == dict.fromkeys(Kind, 1) | {"SERIAL_GAP": 3}
    assert len(answer.body["differences"]) == 3
    assert (answer.body["truncated"], answer.body["next_after"]) == (True, None)
    beyond = ask(call, campaign_id, user="admin", scope=ADMIN, query={"after": "6"})
    assert {d["kind"] for d in beyond.body["differences"]} == {"SERIAL_MISMATCH", "PENDING_STALE"}
    assert not beyond.body["truncated"]
    monkeypatch.setattr("handlers.reconcile.RECONCILE_NOW_S", 0)
    cut_short = ask(call, campaign_id, user="admin", scope=ADMIN, query={"after": "2"})
    assert (cut_short.body["truncated"], cut_short.body["next_after"]) == (True, 2)


def lose_epoch(redis: Redis) -> None:
    redis("HSET", "campaign", "epoch", "f" * 40)


def lose_campaign(redis: Redis) -> None:
    redis("DEL", "campaign")


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
    answer = ask(call, campaign_id, user="admin", scope=ADMIN)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert said in answer.body["detail"]
    capsys.readouterr()
    assert run("--repair") == 1
    shown = capsys.readouterr()
    assert shown.err.startswith(f"{campaign_id}: not compared: ")
    assert said in shown.err
    assert shown.out == f"{campaign_id}-sound: nothing found\n"


def test_a_campaign_that_is_closed_in_the_middle_is_not_compared_and_not_repaired(
    quick: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = Redis(quick, campaign_id)
    spoil(redis, campaign_id)
    register = wiring.admission_register()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("handlers.domain.comparison.time.sleep", lambda _: lose_epoch(redis))
        with pytest.raises(StaleStateError):
            findings(campaign_id)
    for lose in (lose_epoch, lose_campaign):
        lose(redis)
        for act in (
            lambda: register.whereabouts(campaign_id, ["a"]),
            lambda: register.unheld(campaign_id, [1]),
            lambda: register.make_pending(campaign_id, [(5, "rowless")]),
            lambda: register.raise_count(campaign_id),
        ):
            with pytest.raises(StaleStateError):
                act()
    assert redis("ZSCORE", "pending", "rowless") is None


def test_servers_out_of_reach_are_exit_code_1_and_no_password_is_shown(
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

    def pressed(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("handlers.domain.comparison.time.sleep", pressed)
    assert run() == 130
    assert capsys.readouterr().err.endswith("Interrupted: what was not reported is not compared.\n")


def test_long_comparisons_say_how_far_they_are(
    quick: Settings,
    campaign_id: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.reconciliation.progress.INTERVAL_S", 0)
    create_campaign(campaign_id)
    issue(campaign_id, "a", "b")
    capsys.readouterr()
    assert run() == 0
    assert capsys.readouterr().err == f"\r{campaign_id}: 2 of 2 serials compared\n"


def again_until_done(handler: Callable[..., object], event: dict[str, Any]) -> None:
    """Call again what found MySQL busy with the others, as Lambda does."""
    while True:
        with suppress(UnavailableError):
            handler(event, None)
            return


class Sale:
    """500 people apply, a consumer writes what they were told, a redrive mends collisions."""

    def __init__(self, campaign_id: str) -> None:
        self._campaign_id = campaign_id
        self._topic: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._is_over = threading.Event()
        self.seen: list[list[Any]] = []

    def run(self) -> list[Answer]:
        with ThreadPoolExecutor(3) as pool:
            running = [pool.submit(work) for work in (self._consume, self._redrive, self._compare)]
            try:
                presses = [lambda n=n: self._press(n) for n in range(500)]
                answers = at_once(presses, 8)
            finally:
                self._topic.put(None)
                running[0].exception()
                self._is_over.set()
            for one in running:
                one.result()
        return answers

    def _press(self, n: int) -> Answer:
        answer = apply(self._campaign_id, f"user-{n}")
        serial = answer.body["serial"]
        self._topic.put(message(self._campaign_id, f"user-{n}", serial).encode())
        if n % 10 == 0:  # somebody else's serial: kept in failed_event, then given another one
            self._topic.put(message(self._campaign_id, f"late-{n}", serial).encode())
        return answer

    def _consume(self) -> None:
        offset, batch = 0, list[bytes]()
        while (value := self._topic.get()) is not None:
            batch.append(value)
            if len(batch) == 7 or self._topic.empty():
                again_until_done(consume_handler, kafka_event(batch, offset))
                offset, batch = offset + len(batch), []
        again_until_done(consume_handler, kafka_event(batch, offset))

    def _redrive(self) -> None:
        while not self._is_over.is_set():
            again_until_done(redrive_handler, {})

    def _compare(self) -> None:
        while not self._is_over.is_set():
            batches = compare(self._campaign_id).differences()
            self.seen.append([difference for batch in batches for difference in batch])


def test_while_people_apply_and_rows_are_written_nothing_is_a_false_alarm(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=600)
    sale = Sale(campaign_id)
    assert {answer.code for answer in sale.run()} == {"ACCEPTED"}
    assert sale.seen
    assert not any(sale.seen)
    redrive_handler({}, None)
    assert findings(campaign_id) == []
    assert len(coupons(service, campaign_id)) == 550
