"""The numbers of several processes, as text and as sums."""

from __future__ import annotations

from local.metrics.snapshot import Snapshot, from_json, to_json, total, without_gauges

ONE: Snapshot = {
    "seonchak_job_runs_total": {("relay", "succeeded"): 3},
    "seonchak_batch_duration_seconds": {(): [1, 2, 0.5]},
    "seonchak_queued_requests": {("/ready",): 4},
}
OTHER: Snapshot = {
    "seonchak_job_runs_total": {("relay", "succeeded"): 1, ("relay", "failed"): 2},
    "seonchak_batch_duration_seconds": {(): [0, 1, 0.25]},
    "seonchak_queued_requests": {("/ready",): 1},
}


def test_what_is_written_is_read_again() -> None:
    assert from_json(to_json(ONE)) == ONE
    assert from_json(to_json({"seonchak_queued_requests": {}})) == {}


def test_counts_histograms_and_gauges_are_added_up() -> None:
    assert total([ONE, OTHER, {}]) == {
        "seonchak_job_runs_total": {("relay", "succeeded"): 4, ("relay", "failed"): 2},
        "seonchak_batch_duration_seconds": {(): [1, 3, 0.75]},
        "seonchak_queued_requests": {("/ready",): 5},
    }


def test_adding_up_changes_no_part() -> None:
    before = to_json(ONE)
    total([ONE, OTHER])
    assert to_json(ONE) == before


def test_of_a_process_that_has_ended_only_what_it_did_stays() -> None:
    assert without_gauges(ONE).keys() == ONE.keys() - {"seonchak_queued_requests"}
