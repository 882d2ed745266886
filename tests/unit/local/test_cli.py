"""Argument types: what is within the bounds is a number, everything else ends with a sentence."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from local.cli import campaign_id, decimal, integer, port, port_or_zero

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_bounds_themselves_are_allowed() -> None:
    assert [integer(1, 64)("1"), integer(1, 64)("64")] == [1, 64]
    assert [decimal(0.5, 2)("0.5"), decimal(0.5, 2)("2")] == [0.5, 2.0]
    assert integer(1)("1000000") == 1_000_000
    assert (port("65535"), port_or_zero("0")) == (65_535, 0)
    assert campaign_id("spring-sale") == "spring-sale"


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (integer(1, 64), "0", "must be 1 to 64"),
        (integer(1, 64), "65", "must be 1 to 64"),
        (integer(1), "0", "must be 1 or more"),
        (decimal(0.5, 2), "0.4", "must be 0.5 to 2"),
        (decimal(0.5, 2), "nan", "must be 0.5 to 2"),
        (decimal(0.5, 2), "inf", "must be 0.5 to 2"),
        (port, "0", "must be 1 to 65535"),
        (campaign_id, "Spring", "not a campaign id: 1 to 63 of a-z, 0-9 and -"),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_the_bounds(
    kind: Callable[[str], object], text: str, sentence: str
) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        kind(text)
    assert str(refused.value) == sentence


def test_a_text_that_is_not_a_number_is_left_to_argparse() -> None:
    for kind in (integer(1, 64), decimal(1, 64)):
        with pytest.raises(ValueError, match="x"):
            kind("x")
