"""Where a program shows its numbers: options, and the variables that are their defaults."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from local.cli import port_or_zero

if TYPE_CHECKING:
    import argparse

HOST_DEFAULT = "127.0.0.1"


class MetricsAddress(NamedTuple):
    """Where a program listens for Prometheus."""

    host: str
    port: int  # 0: a free one


def add_metrics_options(parser: argparse.ArgumentParser) -> None:
    """Add --metrics-port and --metrics-host, with METRICS_PORT and METRICS_HOST as defaults."""
    add = parser.add_argument
    add(
        "--metrics-port",
        type=port_or_zero,
        # A text as default goes through the type as well: a wrong variable ends the program.
        default=os.environ.get("METRICS_PORT") or None,
        metavar="PORT",
        help="show metrics on this port of their own (default: $METRICS_PORT, or off)",
    )
    add(
        "--metrics-host",
        default=os.environ.get("METRICS_HOST") or HOST_DEFAULT,
        metavar="HOST",
        help=f"address to do so on (default: $METRICS_HOST, or {HOST_DEFAULT})",
    )


def metrics_address(options: argparse.Namespace) -> MetricsAddress | None:
    """Return where metrics are shown; None: nowhere, and nothing is counted."""
    if options.metrics_port is None:
        return None
    return MetricsAddress(options.metrics_host, options.metrics_port)
