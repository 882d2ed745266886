"""The reconciler against a naive one on whole sets, on fakes: any state, any order of pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.adapters.mysql.queries import Coupon
from handlers.domain.campaign import SERIAL_MAX, Campaign, CampaignStatus
from handlers.domain.errors import CampaignNotFoundError, StaleStateError, UnavailableError
from handlers.domain.reconciliation import reconciler as comparison
from handlers.domain.reconciliation.differences import (
    GIVEN_UP,
    HELD_AND_RETURNED,
    NEVER_GIVEN_OUT,
    Discrepancy,
    Kind,
    Source,
    merge,
)
from handlers.domain.reconciliation.reconciler import Reconciler
from handlers.domain.reconciliation.serial_bitset import SerialBitset
from handlers.reconcile import compare
from tests.support.fake_campaign import FakeCampaign
from tests.support.fakes import NOW_MS

if TYPE_CHECKING:
    from tests.unit.conftest import Fakes

QUANTITY = 8
CAMPAIGN = Campaign("welcome", "Welcome", QUANTITY, 0, 2**42)
STALE_MS = 60_000  # twice PENDING_RESEND_AFTER_S

USERS = st.sampled_from([f"u{n}" for n in range(8)])
SERIALS = st.integers(1, QUANTITY + 3)
AGES_MS = st.sampled_from([0, STALE_MS - 1, STALE_MS, STALE_MS + 1, 10**9])
ENTRIES = st.lists(st.tuples(SERIALS, USERS)).map(sorted)


@dataclass(frozen=True)
class World:
    admitted: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)  # age in ms
    issued: dict[str, int] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    returned: list[int] = field(default_factory=list)
    count: int = 0


WORLDS = st.builds(
    World,
    admitted=st.dictionaries(USERS, SERIALS),
    pending=st.dictionaries(USERS, AGES_MS, max_size=4),
    # MySQL's keys allow one user for each serial.
    issued=st.dictionaries(SERIALS, USERS).map(lambda d: {u: s for s, u in d.items()}),
    given_up=st.sets(USERS, max_size=2),
    returned=st.lists(st.integers(0, QUANTITY + 4), max_size=4),
    count=st.integers(0, QUANTITY + 2),
)


def put(fakes: Fakes, world: World) -> None:
    """Put this state into the fakes."""
    one = FakeCampaign(QUANTITY, 0, 2**42, count=world.count, serials=dict(world.admitted))
    one.pending = {user: NOW_MS - age for user, age in world.pending.items()}
    one.returned = list(world.returned)
    fakes.admissions.campaigns["welcome"] = one
    status = CampaignStatus(CAMPAIGN, 0, 0, 0, None, NOW_MS)
    fakes.redis_campaigns.statuses["welcome"] = status
    fakes.mysql_queries.campaigns["welcome"] = CAMPAIGN
    fakes.mysql_queries.coupon_rows = {
        ("welcome", user): Coupon(serial, user, "", 0, 0) for user, serial in world.issued.items()
    }
    fakes.mysql_queries.given_up = {("welcome", user) for user in world.given_up}


def naive(world: World) -> set[tuple[Kind, str | int | None, str]]:
    """Return the differences by their definitions."""
    held = set(world.admitted.values())
    wrong: set[tuple[Kind, str | int | None, str]] = set()
    for user in world.admitted.keys() - world.issued.keys() - world.pending.keys():
        wrong.add((Kind.MISSING_ROW, user, GIVEN_UP if user in world.given_up else ""))
    for user in world.issued.keys() - world.admitted.keys():
        wrong.add((Kind.MISSING_ADMISSION, user, ""))
    for user in world.issued.keys() & world.admitted.keys():
        if world.issued[user] != world.admitted[user]:
            wrong.add((Kind.SERIAL_MISMATCH, user, ""))
    wrong |= {(Kind.PENDING_STALE, u, "") for u, age in world.pending.items() if age >= STALE_MS}
    missing = set(range(1, world.count + 1)) - held - set(world.returned)
    wrong |= {(Kind.SERIAL_GAP, serial, "") for serial in missing}
    given_out = {serial for serial in world.returned if 1 <= serial <= world.count}
    counts: list[tuple[str | int | None, str, bool]] = [
        (None, "the count is above the quantity", world.count > QUANTITY),
        *((serial, HELD_AND_RETURNED, True) for serial in held & given_out),
        *((serial, NEVER_GIVEN_OUT, True) for serial in set(world.returned) - given_out),
    ]
    return wrong | {(Kind.COUNT_MISMATCH, who, d) for who, d, is_so in counts if is_so}


def short(difference: Discrepancy) -> tuple[Kind, str | int | None, str]:
    detail = "" if difference.kind is Kind.PENDING_STALE else difference.detail
    return difference.kind, difference.user_id or difference.admitted_serial, detail


def found() -> list[Discrepancy]:
    return [difference for batch in compare("welcome").differences() for difference in batch]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything needs several pages, lookups and batches."""
    monkeypatch.setattr(comparison, "PAGE", 3)
    monkeypatch.setattr(comparison, "LOOKUP", 2)
    monkeypatch.setattr(comparison, "BATCH", 3)


anyhow = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@anyhow
@given(world=WORLDS)
def test_every_difference_is_named_once_and_nothing_else_is(fakes: Fakes, world: World) -> None:
    put(fakes, world)
    named = [short(difference) for difference in found()]
    assert set(named) == naive(world)
    assert len(named) == len(set(named))


@anyhow
@given(world=WORLDS)
def test_a_run_without_time_is_gone_on_with_where_it_ended(fakes: Fakes, world: World) -> None:
    put(fakes, world)
    named, after = [], 0
    while True:
        time_for_one_section = iter([True])
        run = compare("welcome", after, has_time=lambda it=time_for_one_section: next(it, False))  # type: ignore[misc]
        named += [short(d) for batch in run.differences() for d in batch]
        if run.next_after is None:
            break
        assert not run.complete
        after = run.next_after
    stale = {one for one in naive(world) if one[0] is Kind.PENDING_STALE}
    assert run.complete == (not stale)
    assert sorted(map(str, named)) == sorted(map(str, naive(world) - stale))


@anyhow
@given(admitted=ENTRIES, issued=ENTRIES)
def test_the_merge_yields_what_only_one_side_has(
    admitted: list[tuple[int, str]], issued: list[tuple[int, str]]
) -> None:
    admitted, issued = sorted(set(admitted)), sorted(set(issued))
    candidates = list(merge(admitted, issued))
    ours = [u for s, u in admitted if (s, u) not in issued]
    theirs = [u for s, u in issued if (s, u) not in admitted]
    assert [
        candidate.user_id for candidate in candidates if candidate.source is Source.ADMITTED
    ] == ours
    assert [
        candidate.user_id for candidate in candidates if candidate.source is Source.ISSUED
    ] == theirs


@given(st.sets(st.integers(1, 200)))
def test_a_serial_set_holds_what_was_added(serials: set[int]) -> None:
    it = SerialBitset()
    for serial in serials:
        it.add(serial)
    assert {n for n in range(-10, 300) if n in it} == serials
    assert list(it) == sorted(serials)
    assert bool(it) == bool(serials)
    for serial in range(-10, 300, 3):
        it.discard(serial)
    assert list(it) == sorted(serials - set(range(-10, 300, 3)))
    for serial in serials:
        it.discard(serial)
    assert not it


@pytest.mark.parametrize("serial", [-1, 0, SERIAL_MAX + 1])
def test_a_serial_that_no_campaign_has_does_not_grow_a_serial_set(serial: int) -> None:
    with pytest.raises(ValueError, match=str(serial)):
        SerialBitset().add(serial)


def test_what_is_gone_at_the_second_look_was_on_its_way(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(fakes, World(admitted={"a": 1, "b": 2}, count=3))
    assert {d.kind for d in found()} == {Kind.MISSING_ROW, Kind.SERIAL_GAP}

    def meanwhile(_: float) -> None:
        rows = fakes.mysql_queries.coupon_rows
        rows["welcome", "a"] = Coupon(1, "a", "", 0, 0)
        fakes.admissions.campaigns["welcome"].serials["c"] = 3
        rows["welcome", "d"] = Coupon(4, "d", "", 0, 0)  # wrong only since then

    monkeypatch.setattr("handlers.domain.reconciliation.reconciler.time.sleep", meanwhile)
    assert found() == [Discrepancy(Kind.MISSING_ROW, "b", 2)]


def test_without_the_recheck_what_was_on_its_way_is_a_false_alarm(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: without the recheck there are false alarms."""
    put(fakes, World(admitted={"a": 1}, count=2))

    def meanwhile(_: float) -> None:
        fakes.mysql_queries.coupon_rows["welcome", "a"] = Coupon(1, "a", "", 0, 0)
        fakes.admissions.campaigns["welcome"].serials["c"] = 2
        fakes.mysql_queries.coupon_rows["welcome", "c"] = Coupon(2, "c", "", 0, 0)

    monkeypatch.setattr("handlers.domain.reconciliation.reconciler.time.sleep", meanwhile)
    monkeypatch.setattr(Reconciler, "_recheck", lambda _self, _snapshot, batch: batch)
    assert {d.kind for d in found()} == {Kind.MISSING_ROW, Kind.SERIAL_GAP}
    assert found() == []


def test_figures_that_contradict_mysql_are_named(fakes: Fakes) -> None:
    put(fakes, World())
    fakes.admissions.campaigns["welcome"].quantity = QUANTITY + 1
    assert [d.detail for d in found()] == ["the quantity is not that of MySQL"]
    del fakes.mysql_queries.campaigns["welcome"]
    assert [d.detail for d in found()] == ["MySQL has no such campaign"]


def test_without_redis_being_sure_nothing_is_compared(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CampaignNotFoundError):
        found()
    put(fakes, World(admitted={"a": 1}))
    del fakes.redis_campaigns.statuses["welcome"]
    with pytest.raises(UnavailableError, match="is in MySQL and not in Redis"):
        found()
    put(fakes, World(admitted={"a": 1}))
    with monkeypatch.context() as rebuilt:
        snapshots = iter((1, 2))
        snapshot = fakes.admission_reader.snapshot
        rebuilt.setattr(
            fakes.admission_reader,
            "snapshot",
            lambda _: type(snapshot("welcome"))(next(snapshots), QUANTITY, 0, 1, NOW_MS),
        )
        with pytest.raises(UnavailableError, match="rebuilt meanwhile"):
            found()
    fakes.redis_campaigns.epoch_is_known = False
    with pytest.raises(StaleStateError):
        found()
