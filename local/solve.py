"""Solve a challenge of a campaign, as the page does in a browser.

    curl -s -H "Authorization: Bearer $TOKEN" "$API/campaigns/welcome/challenge" |
        python -m local.solve

reads the challenge and prints its solution, the value of the header Challenge-Solution of
`POST /campaigns/welcome/apply`. Standard library only.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from local.cli import end

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXIT_FAILED = 1
MEASURED_HASHES = 500_000


def solve(challenge: Mapping[str, Any]) -> str:
    """Return the solution of a challenge, as its issuer wants it back.

    Raises ValueError where no number up to `maxnumber` solves it, KeyError without a field.
    """
    number = found(challenge["salt"], challenge["challenge"], int(challenge["maxnumber"]))
    if number is None:
        message = "no number up to maxnumber solves it"
        raise ValueError(message)
    names = ("algorithm", "challenge", "salt", "signature")
    solution = {name: challenge[name] for name in names} | {"number": number}
    return base64.b64encode(json.dumps(solution).encode()).decode()


def found(salt: str, wanted: str, highest: int) -> int | None:
    """Return the number from 0 to `highest` whose SHA-256 behind the salt is `wanted` in hex."""
    target, of_salt = bytes.fromhex(wanted), hashlib.sha256(salt.encode())
    for number in range(highest + 1):
        attempt = of_salt.copy()
        attempt.update(b"%d" % number)
        if attempt.digest() == target:
            return number
    return None


def hashes_per_s() -> float:
    """Return how many numbers one thread of this machine tries in a second, by processor time."""
    started = time.process_time()
    found("0" * 24 + "?expires=1&", "0" * 64, MEASURED_HASHES - 1)
    return MEASURED_HASHES / (time.process_time() - started)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 solved, 1 not, 2 wrong arguments."""
    options = _parser().parse_args(arguments)
    if options.measure:
        print(f"{hashes_per_s():,.0f} hashes per second of processor time")
        return 0
    try:
        print(solve(json.load(sys.stdin)))
    except (ValueError, TypeError, KeyError) as error:
        return end(f"Not solved: {type(error).__name__}: {error}", EXIT_FAILED)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.solve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit code: 0 solved, 1 not (no challenge, or one that cannot be solved), 2 wrong "
        "arguments.",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="print how many hashes this machine tries in a second, and solve nothing",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
