r"""Whether AWS takes a change of the data stack's parameters, before it begins.

    aws cloudformation describe-stacks --stack-name seonchak-prod-data \
        --query "Stacks[0].Parameters" | python -m infra.data_change KafkaSize=large

MSK takes one change at a time, and no disk gets smaller. CloudFormation finds that out half-way,
and where the way back is refused as well, the stack stays in UPDATE_ROLLBACK_FAILED. Ends with 1,
and says why, when the change would be refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Each is an operation of its own on the cluster, which takes the next only when it is ACTIVE.
OF_MSK = ("KafkaSize", "KafkaGiB", "KafkaBrokers", "KafkaVersion")
ONLY_GROW = ("KafkaGiB", "KafkaPartitions", "DatabaseGiB")
# The servers are made of the sizes of the whole stack's parameter that there was before.
FORMER = "Size"


def refusals(current: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Return why AWS would refuse the change, in sentences; what is not wanted stays as it is."""
    if FORMER in current:
        return _missing(current[FORMER], wanted)
    changed = {n: v for n, v in wanted.items() if n in current and current[n] != v}
    found = [
        f"{name} is {current[name]} and cannot become {changed[name]}: it only grows"
        for name in ONLY_GROW
        if name in changed and int(changed[name]) < int(current[name])
    ]
    if changed.get("KafkaSize") == "small":
        found.append("KafkaSize is large, and MSK has no way back to small")
    of_msk = [name for name in OF_MSK if name in changed]
    if len(of_msk) > 1:
        found.append(f"MSK takes one change at a time, and these are {', '.join(of_msk)}")
    disk, most = ({**current, **wanted}.get(n, "") for n in ("DatabaseGiB", "DatabaseGiBMax"))
    if disk and most and int(most) <= int(disk):
        found.append(f"DatabaseGiBMax {most} must be more than DatabaseGiB {disk}")
    return found


def _missing(former: str, wanted: Mapping[str, str]) -> list[str]:
    """Return what a stack with one Size must be given, so that nothing of it changes."""
    kafka, disk, most = {"small": (50, 50, 200), "large": (250, 400, 2000)}[former]
    keep = {f"{server}Size": former for server in ("Redis", "Kafka", "Database")}
    keep |= {"KafkaGiB": str(kafka), "DatabaseGiB": str(disk), "DatabaseGiBMax": str(most)}
    keep["KafkaTopic"] = "no"  # it is there: the migration made it
    if all(wanted.get(name) == value for name, value in keep.items()):
        return []
    asked = " ".join(f"{name}={value}" for name, value in keep.items())
    return [f"this stack was made with Size={former}; first deploy it as it is, with {asked}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the current parameters from standard input; return 0 when AWS takes the change."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.data_change",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parameters", nargs="+", metavar="NAME=VALUE")
    wanted = dict(_pair(parser, text) for text in parser.parse_args(arguments).parameters)
    try:
        stack = json.load(sys.stdin)
        current = {one["ParameterKey"]: one["ParameterValue"] for one in stack}
        found = refusals(current, wanted)
    except (ValueError, TypeError, KeyError) as error:
        parser.error(f"not the parameters of a data stack: {error!r}")
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def _pair(parser: argparse.ArgumentParser, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        parser.error(f"{text} is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
