"""The benchmark's arithmetic and its report: what a ratio is, what counts as done."""

from __future__ import annotations

import itertools
import json
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import jwt
import pytest

from bench import load, poll_runner, report, tools
from bench.cases import accepted
from bench.cases.lambda_invocations import Together
from bench.harness import FAILURES, Case, Goal, Measured, Scale, interleaved
from bench.processor_time import METRIC
from bench.run import BY_NAME, CASES, main
from bench.tokens import write_tokens
from local.servers import apache_kafka

if TYPE_CHECKING:
    from pathlib import Path

    from bench.cluster import Cluster

SECRET = "a secret of the tests, of 32 bytes or more"


def case(*goals: Goal) -> Case:
    return Case("name", "Title", "per_s", "base", goals, lambda *_: nullcontext({}))


def measured(*goals: Goal) -> Measured:
    trials: dict[str, dict[str, list[float]]] = {
        "base": {"per_s": [100.0, 10.0, 50.0]},
        "ours": {"per_s": [50.0, 8.0, 20.0], FAILURES: [0, 2, 1]},
    }
    return Measured(case(*goals), trials)


def test_variants_take_turns_and_the_warm_up_leaves_no_figures() -> None:
    called: list[str] = []

    def trial(name: str) -> Any:
        def run() -> dict[str, float]:
            called.append(name)
            return {"per_s": len(called)}

        return run

    trials = {"a": trial("a"), "b": trial("b")}
    output: list[str] = []
    taken = interleaved(trials, 2, output.append, metric="per_s", warm_up=True)
    assert called == ["a", "b", "b", "a", "a", "b"]
    assert taken == {"a": {"per_s": [4, 5]}, "b": {"per_s": [3, 6]}}
    assert output[:4] == ["warm-up: a", "    per_s 1", "warm-up: b", "    per_s 2"]
    assert output[-2:] == ["round 2 of 2: b", "    per_s 6"]


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # From the medians it would be 0.4: the machine was slow for both in the second round.
    assert measured().ratio("ours", "base", "per_s") == (0.5, 0.4, 0.8)


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal("ours", "per_s", 20), True),
        (Goal("ours", "per_s", 21), False),
        (Goal("ours", "per_s", 0.5, against="base"), True),
        (Goal("ours", "per_s", 0.51, against="base"), False),
        (Goal("ours", "per_s", 20, at_most=True), True),
        (Goal("ours", "per_s", 19, at_most=True), False),
    ],
)
def test_a_goal_is_about_the_median(goal: Goal, *, met: bool) -> None:
    assert measured().reached(goal)[1] is met


def test_the_report_names_missed_goals_ratios_and_wrong_responses(tmp_path: Path) -> None:
    result = measured(Goal("ours", "per_s", 0.6, against="base"))
    report.write(tmp_path, [result], Scale(3, 1, quick=True), took_s=9)
    page = (tmp_path / report.MARKDOWN).read_text("utf-8")
    assert "| ours | 20 | 8 to 50 | 0.50 |" in page
    assert "**missed**: ours, per_s / base ≥ 0.6: 0.5" in page
    assert "wrong or lost answers: 3" in page
    record = json.loads((tmp_path / report.JSON).read_text("utf-8"))
    assert record["cases"]["name"]["ratios"]["ours"]["median"] == 0.5
    assert record["cases"]["name"]["variants"]["base"]["per_s"]["trials"] == [100, 10, 50]


def test_a_goal_of_a_variant_that_was_not_measured_is_not_shown() -> None:
    assert report.goals(measured(Goal("larger", "per_s", 1))) == []


def test_a_goal_whose_baseline_or_metric_is_not_to_be_had_is_named_as_not_measured() -> None:
    goals = (Goal("ours", "per_s", 1.5, against="Java"), Goal("ours", "cpu", 160, at_most=True))
    assert report.goals(measured(*goals)) == [
        "- not measured: ours, per_s / Java ≥ 1.5",
        "- not measured: ours, cpu ≤ 160",
    ]


def test_without_java_accepted_is_measured_without_it_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    apache_kafka.java.cache_clear()
    with accepted._java(cast("Cluster", None)) as java:
        assert java is None
    message = "bench: accepted is measured without Java: Java 17 or later is needed"
    assert capsys.readouterr().err.startswith(message)


def test_ours_is_not_better_than_a_baseline_that_did_nothing() -> None:
    trials = {"base": {"per_s": [0.0, 0.0]}, "ours": {"per_s": [10.0, 20.0]}}
    goal = Goal("ours", "per_s", 0.1, against="base")
    assert Measured(case(goal), trials).reached(goal) == (0, False)


def test_wrong_responses_of_another_program_are_shown_and_fail_nothing() -> None:
    trials = {
        "base": {"per_s": [1.0], FAILURES: [7.0]},
        "ours": {"per_s": [1.0], FAILURES: [2.0]},
    }
    result = Measured(replace(case(), for_the_record=("base",)), trials)
    assert result.failures == 2
    page = report.about(result)
    assert "- wrong or lost answers: 2" in page
    assert "- wrong or lost answers of base, for the record: 7" in page


def test_the_report_shows_what_each_program_took_of_the_processors() -> None:
    trials = {
        "base": {"per_s": [1.0], f"{METRIC}load": [17.5], f"{METRIC}all": [17.5]},
        "ours": {"per_s": [1.0, 1.0], f"{METRIC}load": [20.0, 22.0], f"{METRIC}gateway": [150.0]},
    }
    assert report.processor_table(Measured(case(), trials)) == [
        "| CPU µs per request | load | gateway | all |",
        "| --- | ---: | ---: | ---: |",
        "| base | 17.5 |  | 17.5 |",
        "| ours | 21 | 150 |  |",
    ]
    assert report.processor_table(measured()) == []


def test_outcomes_of_the_same_trial_are_measured_once_a_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounds = itertools.count()

    def one_round(*_: object) -> dict[str, dict[str, float]]:
        number = next(rounds)
        return {"accepted": {"cpu_us": number}, "refused": {"cpu_us": number}}

    monkeypatch.setattr("bench.invocation_cost.one_round", one_round)
    shared = Together({})
    trials = {outcome: shared.trial(outcome) for outcome in ("accepted", "refused")}
    taken = interleaved(trials, 2, lambda _: None, metric="cpu_us", warm_up=False)
    assert taken == {"accepted": {"cpu_us": [0, 1]}, "refused": {"cpu_us": [0, 1]}}


def test_only_right_responses_count_as_work_and_lost_ones_are_failures() -> None:
    output = {"right": 90, "wrong": 4, "lost": 6, "duration_us": 2_000_000}
    metrics = load.figures(output | {"p50_us": 1000, "p95_us": 2000, "p99_us": 3500})
    assert (metrics["per_s"], metrics[FAILURES], metrics["p99_ms"]) == (45, 10, 3.5)


def test_the_poll_runners_rate_is_from_the_first_partitions_to_the_last_success() -> None:
    def line(second: int, message: str, **fields: object) -> dict[str, Any]:
        return {"time": f"2026-11-22T00:00:0{second}.000Z", "message": message, **fields}

    lines = [
        line(0, "started"),
        line(1, "partitions assigned"),
        line(2, "batch", result="failed", records=70),
        line(3, "batch", result="success", records=70),
        line(5, "batch", result="success", records=30),
        line(9, "stopped"),
    ]
    assert poll_runner.figures(lines, 100) == {"per_s": 25, "seconds": 4, FAILURES: 0}
    assert poll_runner.figures(lines, 101)[FAILURES] == 1


def test_each_prepared_token_is_another_users(tmp_path: Path) -> None:
    lines = write_tokens(tmp_path / "tokens", SECRET, 3).read_text("ascii").splitlines()
    claims = [jwt.decode(line, SECRET, ["HS256"], options={"require": ["exp"]}) for line in lines]
    assert [each["sub"] for each in claims] == ["user-0", "user-1", "user-2"]


def test_a_missing_tool_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(tools.MissingToolError, match="apt-get install redis-tools"):
        tools.find("redis-benchmark")


@pytest.mark.parametrize("wrong", [["--rounds", "0"], ["--cases", "nonsense"], ["--seconds", "x"]])
def test_wrong_options_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(wrong)
    assert caught.value.code == 2


def test_every_case_of_the_option_has_its_file() -> None:
    from bench.run import _case  # noqa: PLC0415 - beside what it is about

    names = [*CASES, *BY_NAME]
    assert [_case(name).name for name in names] == names
