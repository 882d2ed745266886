"""infra/data_change.py: which changes of the data stack AWS takes."""

from __future__ import annotations

import io
import json

import pytest

from infra.data_change import main, refusals
from tests.support.templates import template

CURRENT = {
    name: str(parameter.get("Default", ""))
    for name, parameter in template("data")["Parameters"].items()
}
LARGE = CURRENT | {"RedisSize": "large", "KafkaSize": "large", "DatabaseSize": "large"}


@pytest.mark.parametrize(
    "wanted",
    [
        {"KafkaSize": "large"},
        {"KafkaGiB": "500"},
        {"KafkaBrokers": "6"},
        {"RedisSize": "large", "DatabaseSize": "large", "KafkaSize": "large"},
        {"DatabaseGiB": "500", "KafkaGiB": "250"},  # the second is as it was
        {"BackupDays": "30"},
    ],
)
def test_one_change_of_msk_and_any_of_the_others_is_taken(wanted: dict[str, str]) -> None:
    assert refusals(CURRENT, wanted) == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"KafkaSize": "large", "KafkaGiB": "500"}, "KafkaSize, KafkaGiB"),
        ({"KafkaBrokers": "6", "KafkaVersion": "4.0.x"}, "KafkaBrokers, KafkaVersion"),
        ({"KafkaGiB": "50"}, "KafkaGiB is 250 and cannot become 50"),
        ({"KafkaPartitions": "3"}, "KafkaPartitions is 6 and cannot become 3"),
        ({"DatabaseGiB": "50"}, "DatabaseGiB is 400 and cannot become 50"),
        ({"DatabaseGiB": "2000"}, "DatabaseGiBMax 2000 must be more than DatabaseGiB 2000"),
    ],
)
def test_what_aws_would_refuse_is_said_before(wanted: dict[str, str], said: str) -> None:
    [reason] = refusals(CURRENT, wanted)
    assert said in reason


def test_a_large_kafka_has_no_way_back_and_the_other_servers_have() -> None:
    assert refusals(LARGE, {"RedisSize": "small", "DatabaseSize": "small"}) == []
    [reason] = refusals(LARGE, {"KafkaSize": "small"})
    assert "no way back" in reason


def test_a_stack_of_the_former_one_size_is_first_deployed_as_it_is() -> None:
    [reason] = refusals({"Stage": "prod", "Size": "small"}, {"KafkaSize": "large"})
    keep = dict(pair.split("=") for pair in reason.rpartition("with ")[2].split())
    assert keep["KafkaGiB"] == keep["DatabaseGiB"] == "50"
    assert keep["KafkaTopic"] == "no"
    assert refusals({"Stage": "prod", "Size": "small"}, keep) == []
    assert set(keep) <= set(CURRENT)


def test_the_program_reads_what_the_aws_cli_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = json.dumps([{"ParameterKey": n, "ParameterValue": v} for n, v in CURRENT.items()])
    for arguments, code in ((["KafkaSize=large"], 0), (["KafkaGiB=50"], 1)):
        monkeypatch.setattr("sys.stdin", io.StringIO(printed))
        assert main(arguments) == code
    assert "cannot become 50" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("printed", "argument"), [("", "KafkaGiB=1"), ("[1]", "KafkaGiB=1"), ("[]", "KafkaGiB")]
)
def test_what_is_no_stack_and_no_parameter_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, printed: str, argument: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(printed))
    with pytest.raises(SystemExit) as ended:
        main([argument])
    assert ended.value.code == 2
