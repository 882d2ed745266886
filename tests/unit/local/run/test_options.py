"""The command line of a run: what it takes, and what it refuses by name."""

from __future__ import annotations

import pytest

from local.run.options import parse


def test_without_options_a_hundred_coupons_open_in_half_a_minute() -> None:
    options = parse([])
    assert (options.campaign, options.quantity, options.opens_in_s) == ("welcome", 100, 30)
    assert (options.people, options.run_s, options.port) == (0, None, 8000)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--people", "-1"),
        ("--people", "many"),
        ("--quantity", "0"),
        ("--opens-in", "soon"),
        ("--opens-in", "nan"),
        ("--open-for", "0"),
        ("--for", "0"),
        ("--port", "70000"),
        ("--id", "Welcome!"),
        ("--kafka", "pulsar"),
        ("--servers", "compose"),
    ],
)
def test_a_wrong_option_is_refused_by_name(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([option, value])
    assert ended.value.code == 2
    assert f"argument {option}: " in capsys.readouterr().err
