"""The tally says how long a campaign stays closed after Redis has forgotten."""

from __future__ import annotations

import dataclasses

from tests.faults.engine.history import Result
from tests.faults.engine.scenario import SILENT, Fault, scenario
from tests.faults.engine.tally import Tally


def test_journals_with_a_gap_are_counted_by_their_reasons() -> None:
    tally = Tally("tansu")
    for gaps in ((), ("no snapshot: late",), ("no snapshot: slow", "no snapshot: dead", "else")):
        tally.results.append(Result(scenario(1, []), [], 5.0, events=7, gaps=gaps))
    table = tally.table()
    assert "1 journals accepted by the model, 21 events; 2 with a gap" in table
    assert "1 with the gap: else" in table
    assert "2 with the gap: no snapshot" in table


def test_seconds_until_a_campaign_is_open_again_are_counted_by_the_fault_before() -> None:
    tally = Tally("tansu")
    for reopened in (("shard-freeze", 2.0), None, ("shard-freeze", 4.0), ("redis-kill", 1.0)):
        tally.results.append(Result(scenario(1, []), [], 5.0, reopened=reopened))
    assert tally.reopened() == {"shard-freeze": [2.0, 4.0], "redis-kill": [1.0]}
    assert "open again 3.0 s after shard-freeze, 4.0 s at most, in 2 histories" in tally.table()


def test_one_accepted_user_without_a_coupon_makes_the_tally_unclean() -> None:
    for lost in (0, 1):
        tally = Tally("tansu")
        tally.results += [Result(scenario(seed, []), [], 5.0, lost=lost * seed) for seed in (0, 1)]
        assert tally.is_clean == (not lost)
        assert f"{lost} accepted users have no coupon" in tally.table()


def test_a_loss_without_confirming_replicas_is_counted_apart_from_all_others() -> None:
    tally = Tally("tansu")
    faults = [Fault(0.1, "redis-failover", SILENT, 0.2)]
    for confirming, lost in ((0, 2), (1, 0)):
        played = dataclasses.replace(scenario(1, faults), confirming=confirming)
        tally.results.append(Result(played, [], 5.0, lost_in_window=lost))
    assert tally.lost == 0
    table = tally.table()
    assert "1 histories with a confirming replica, 1 with a silent cut" in table
    assert "1 with a silent cut and none: 2 accepted users lost, as documented" in table
