"""Uses coupons as fast as one process can: `python -m bench.redeemer FILE [--bare]`.

FILE has one coupon a line: code, campaign, serial. Prints "ready", waits for a line, uses each
coupon once, and prints a line of JSON: how many were right, and how many wrong. --bare: one UPDATE
each that commits itself, in place of the service's call. Exit code: 0.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.adapters.mysql.connection import connect
from handlers.redemption import redeem_handler
from local.token import mint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # Whether one coupon, with its number, was used.
    Use = Callable[[str, str, str], bool]

# So many transactions share the server's syncs to disk; more only wait for Python.
THREADS = 8
BARE = (
    "UPDATE coupon SET state = 'USED' "
    "WHERE campaign_id = %s AND serial = %s AND state = 'ISSUED' AND given_back = 0"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code."""
    options = _parser().parse_args(arguments)
    logging.disable(logging.INFO)
    coupons = [line.split() for line in options.file.read_text("ascii").splitlines()]
    use = _bare() if options.bare else _redeem()
    with ThreadPoolExecutor(THREADS) as pool:
        # Each thread has a connection of its own, which is not measured.
        list(pool.map(lambda _: _connect(use), range(THREADS)))
        print("ready", flush=True)
        sys.stdin.readline()
        shares = [coupons[first::THREADS] for first in range(THREADS)]
        right = sum(pool.map(lambda share: sum(use(*one) for one in share), shares))
    print(json.dumps({"right": right, "wrong": len(coupons) - right}), flush=True)
    return 0


def _connect(use: Use) -> None:
    """Let a thread do everything once, for a coupon that does not exist; all threads take part."""
    use("0" * 16, "none", "1")
    time.sleep(0.2)


def _redeem() -> Use:
    authorization = f"Bearer {mint(wiring.settings().auth_jwt_secret, 'shop', 'coupon:redeem')}"

    def use(code: str, _: str, serial: str) -> bool:
        event = {
            "headers": {"Authorization": authorization},
            "pathParameters": {"code": code},
            "body": f'{{"order_id":"order-{serial}"}}',
        }
        return bool(redeem_handler(event, None)["statusCode"] == HTTPStatus.CREATED)

    return use


def _bare() -> Use:
    local, address = threading.local(), wiring.secrets().database_address()

    def use(_: str, campaign_id: str, serial: str) -> bool:
        if not hasattr(local, "cursor"):
            local.cursor = connect(address, charset="utf8mb4", autocommit=True).cursor()
        return bool(local.cursor.execute(BARE, (campaign_id, serial)) == 1)

    return use


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.redeemer",
        description="Use coupons as fast as one process can.",
        epilog="Settings come from the environment: see handlers/config.py.",
    )
    parser.add_argument(
        "file", type=Path, help="code, campaign and serial of a coupon on each line"
    )
    parser.add_argument("--bare", action="store_true", help="one UPDATE each, for comparison")
    return parser


if __name__ == "__main__":
    sys.exit(main())
