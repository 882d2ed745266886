"""infra/cost: what a big workload needs, what it costs, which limit breaks first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handlers.domain.rejection_cache import WINNERS_MAX
from infra.cost.__main__ import main
from infra.cost.arrivals import Arrivals
from infra.cost.catalogue import catalogue, regions, sizes
from infra.cost.estimate import Estimate, estimate
from infra.cost.workload import Door, Workload
from tests.support.paths import ROOT

DAY = Workload(applicants=1_000_000, minutes=5, quantity=10_000)
ASKED = ["--applicants", "1_000_000", "--minutes", "5", "--quantity", "10_000"]


days = st.builds(
    Workload,
    applicants=st.integers(1, 50_000_000),
    minutes=st.floats(0.1, 600),
    quantity=st.integers(1, 1_000_000),
    presses=st.floats(1, 5),
    polls=st.integers(0, 20),
    peak=st.floats(1, 50),
    throttle=st.none() | st.integers(1, 1_000_000),
    region=st.sampled_from(regions()),
    size=st.sampled_from(sizes()),
    architecture=st.sampled_from(["x86_64", "arm64"]),
    hours=st.floats(0, 100),
    bot_control=st.booleans(),
    door=st.sampled_from(Door),
    looks=st.integers(0, 100),
    provisioned=st.integers(0, 10_000),
    durable_redis=st.booleans(),
)


def needs(result: Estimate) -> dict[str, float]:
    """Everything that must not decrease when more users come."""
    return {
        "USD": result.total_usd,
        "requests": result.load.requests,
        "wanted": result.load.wanted_per_s,
        "calls of Redis": result.load.redis_calls,
        **{use.name: use.needed for use in result.uses},
    }


@given(days, st.integers(1, 50_000_000))
def test_more_applicants_never_need_or_cost_less(day: Workload, more: int) -> None:
    # What a throttle lets through is a mix: more refusals in it take the place of costlier calls,
    # and how many tasks run is counted by their cost.
    assume(day.throttle is None or day.door is not Door.CONTAINERS)
    fewer = needs(estimate(day))
    greater = needs(estimate(replace(day, applicants=day.applicants + more)))
    less = [name for name, need in greater.items() if need < fewer[name] * (1 - 1e-9)]
    assert less == []


@given(days)
def test_the_parts_are_the_whole(day: Workload) -> None:
    result = estimate(day)
    applied = sum(
        outcome.count
        for name, outcome in result.load.outcomes.items()
        if name not in {"status poll", "look"}
    )
    assert applied == pytest.approx(day.applies)
    shown = result.as_json()["usd"]
    parts = sum(shown["use"].values()) + sum(shown["standing"].values())
    assert parts == pytest.approx(shown["total"])
    for part, usd in shown["use"].items():
        assert shown["use_per_million_applies"][part] * day.applies / 1e6 == pytest.approx(usd)


@given(days)
def test_the_first_limit_is_the_one_that_is_exceeded_most(day: Workload) -> None:
    shares = [use.share for use in estimate(day).uses]
    assert shares == sorted(shares, reverse=True)


@given(st.floats(1, 1e8), st.floats(1, 1e5), st.floats(1, 100), st.floats(0, 1))
def test_arrivals_are_all_there_in_the_end_and_never_go_back(
    total: float, window_s: float, peak: float, share: float
) -> None:
    arrivals = Arrivals(total, window_s, peak)
    assert arrivals.within(window_s) == pytest.approx(total)
    assert arrivals.within(2 * window_s) == pytest.approx(total)
    moment = arrivals.until(total * share)
    assert moment is not None
    assert arrivals.within(moment) == pytest.approx(total * share, abs=total * 1e-6)
    assert arrivals.until(total * 1.001) is None


@pytest.mark.parametrize("peak", [1, 1.5, 5, 50])
def test_the_rate_at_the_opening_is_so_many_times_the_mean(peak: float) -> None:
    arrivals = Arrivals(total=1_000, window_s=100, peak=peak)
    assert arrivals.within(1e-6) / 1e-6 == pytest.approx(10 * peak, rel=1e-3)


def test_a_small_campaign_rejects_from_the_cache_and_a_larger_one_asks_redis() -> None:
    small = estimate(replace(DAY, quantity=WINNERS_MAX)).load
    larger = estimate(replace(DAY, quantity=WINNERS_MAX + 1)).load
    assert small.redis_calls < larger.redis_calls / 50
    assert larger.redis_calls > DAY.applies


def test_a_throttle_bounds_what_the_rest_sees() -> None:
    throttled = estimate(replace(DAY, throttle=2_000))
    wide_open = estimate(DAY)
    assert wide_open.load.requests_per_s > 20_000
    assert throttled.load.requests_per_s == 2_000
    assert throttled.environments < wide_open.environments
    assert throttled.load.sold_out_after_s == 5  # 10,000 coupons at 2,000/s


def test_a_coupon_for_each_user_is_never_sold_out() -> None:
    load = estimate(Workload(applicants=100, minutes=1, quantity=100)).load
    assert load.sold_out_after_s is None
    assert load.outcomes["sold out"].count == 0


def test_less_memory_takes_longer_and_arm_is_cheaper() -> None:
    small = estimate(replace(DAY, size="small"))
    large = estimate(DAY)
    for name, outcome in large.load.outcomes.items():
        assert small.load.outcomes[name].duration_ms > outcome.duration_ms
    arm = estimate(replace(DAY, architecture="arm64"))
    assert arm.use_usd["Lambda time"] < large.use_usd["Lambda time"]


def test_servers_cost_by_the_hour_and_nothing_when_none_runs() -> None:
    for_an_hour = estimate(replace(DAY, hours=1)).fixed_usd
    for_two = estimate(replace(DAY, hours=2)).fixed_usd
    assert for_two == {part: pytest.approx(2 * usd) for part, usd in for_an_hour.items()}
    assert not any(estimate(replace(DAY, hours=0)).fixed_usd.values())


def test_a_durable_redis_has_nodes_of_its_own_a_slower_admission_and_a_log_with_a_limit() -> None:
    plain, durable = estimate(DAY), estimate(replace(DAY, durable_redis=True))
    inputs = catalogue(DAY.region, DAY.size)
    nodes = inputs.size["redis_nodes"] * DAY.hours
    for result, price in ((plain, "redis_large"), (durable, "redis_durable")):
        paid = result.fixed_usd["ElastiCache"]
        assert paid == pytest.approx(nodes * inputs.prices[price].value), price
    waits = {
        name: outcome.duration_ms - plain.load.outcomes[name].duration_ms
        for name, outcome in durable.load.outcomes.items()
    }
    # Only what is written waits for the log: a refusal is as fast as before.
    assert waits.pop("accepted") == pytest.approx(inputs.assumed["redis_durable_wait_ms"])
    assert set(waits.values()) == {0}
    logs = [use for use in durable.uses if use.name == "Redis's log"]
    assert [use.unit for use in logs] == ["MiB/s"]
    assert not [use for use in plain.uses if use.name == "Redis's log"]


def test_what_is_not_counted_of_a_durable_redis_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--durable-redis"]) == 0
    text = capsys.readouterr().out
    assert "; durable Redis\n" in text
    assert "Not counted: what AWS may ask for the synchronous writes" in text
    assert main(ASKED) == 0
    assert "Not counted" not in capsys.readouterr().out


def test_text_and_json_show_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ASKED) == 0
    text = capsys.readouterr().out
    assert main([*ASKED, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert f"{result['usd']['total']:,.2f}" in text
    assert f"{result['requests_per_s']['peak']:,.0f}/s peak" in text
    assert f"Breaks first: {result['limits'][0]['name']}: " in text
    assert f"{len(result['from_memory'])} prices of us-east-1 are from memory" in text


def test_where_nothing_breaks_the_report_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--applicants=100", "--minutes=10", "--quantity=10"]) == 0
    output = capsys.readouterr().out
    assert "Nothing breaks; nearest: " in output
    assert "BREAKS" not in output


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--applicants", "many"),
        ("--applicants", "0"),
        ("--applicants", "1.5"),
        ("--minutes", "0"),
        ("--minutes", "nan"),
        ("--minutes", "inf"),
        ("--quantity", "10_000_001"),
        ("--presses", "0.5"),
        ("--polls", "-1"),
        ("--peak", "0"),
        ("--throttle", "0"),
        ("--looks", "-1"),
        ("--provisioned", "-1"),
        ("--door", "window"),
        ("--hours", "-1"),
        ("--region", "mars-1"),
        ("--size", "medium"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main([*ASKED, f"{option}={value}"])
    assert exit_info.value.code == 2
    assert f"argument {option}: " in capsys.readouterr().err


def test_the_program_runs_by_its_name_and_explains_itself() -> None:
    command = [sys.executable, "-m", "infra.cost"]
    explained = _run([*command, "--help"])
    assert explained.returncode == 0
    assert "--applicants" in explained.stdout
    refused = _run(command)
    assert refused.returncode == 2
    assert "required: --applicants, --minutes, --quantity" in refused.stderr


def test_a_reader_that_has_had_enough_ends_the_program_without_a_word() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "infra.cost", *ASKED]
    with open(writer, "wb") as pipe:  # noqa: PTH123 - a file descriptor
        done = subprocess.run(
            command, cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
