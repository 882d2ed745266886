"""Types of command-line arguments (numbers within bounds, ports, ids), and how programs end.

A value out of bounds ends the program through argparse: exit code 2, and one sentence.
"""

from __future__ import annotations

import argparse
import math
import pkgutil
import sys
from typing import TYPE_CHECKING, TypeVar

from handlers.config import ConfigurationError, Settings
from handlers.domain.identifiers import is_campaign_id
from handlers.tracing.settings import TraceSettings

if TYPE_CHECKING:
    from collections.abc import Callable

Number = TypeVar("Number", int, float)
EXIT_MISCONFIGURED = 2


def integer(lowest: int, highest: float = math.inf) -> Callable[[str], int]:
    """Return the type of a whole number."""

    def number(text: str) -> int:
        return _within(int(text), lowest, highest)

    return number


def decimal(lowest: float, highest: float) -> Callable[[str], float]:
    """Return the type of a number that may have a fraction."""

    def number(text: str) -> float:
        return _within(float(text), lowest, highest)

    return number


def campaign_id(text: str) -> str:
    """Return the id of a campaign."""
    if not is_campaign_id(text):
        message = "not a campaign id: 1 to 63 of a-z, 0-9 and -"
        raise argparse.ArgumentTypeError(message)
    return text


def _within(number: Number, lowest: float, highest: float) -> Number:
    if lowest <= number <= highest:  # False for nan
        return number
    bounds = f"{lowest} or more" if math.isinf(highest) else f"{lowest} to {highest}"
    message = f"must be {bounds}"
    raise argparse.ArgumentTypeError(message)


port = integer(1, 65_535)
port_or_zero = integer(0, 65_535)  # 0: one that the system chooses


def add_kafka(parser: argparse.ArgumentParser) -> None:
    """Add --kafka, which of the two embedded ones to run."""
    parser.add_argument(
        "--kafka",
        choices=("tansu", "apache"),
        default="tansu",
        help="the embedded Kafka; apache needs Java 17 and Maven (default: %(default)s)",
    )


def end(message: str, code: int) -> int:
    """Print why the program ends; return its exit code."""
    print(message, file=sys.stderr)
    return code


def misconfigured(target: str = "") -> str:
    """Return the error in the settings, or why `target` cannot be loaded; "" if all is right."""
    try:
        Settings.from_environment()
        TraceSettings.from_environment()
    except ConfigurationError as error:
        return f"Wrong settings: {error}."
    try:
        if target:
            pkgutil.resolve_name(target)
    except (ImportError, AttributeError, ValueError) as error:
        return f"{target} cannot be loaded: {error}."
    return ""
