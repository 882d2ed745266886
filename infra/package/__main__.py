"""Builds the deployment package of a stage: out/<stage>/ with template, zip, SBOM and manifest.

Same input, same zip, byte by byte. The Lambda runtime is the Python that runs this program, or
the one that --python names.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.package.build import MANIFEST, SBOM, TEMPLATE, ZIP, BuildSpec, build
from infra.package.chalice_part import architecture_of, stages_of
from infra.package.errors import PackageError
from infra.package.target import ARCHITECTURES, LAMBDA_VERSION, Target, runtime_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

PROJECT = Path(__file__).resolve().parents[2]
MERGE_TEMPLATE = PROJECT / "infra" / "application.yaml"
OUT = PROJECT / "out"
WHEEL_CACHE = OUT / "wheels"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0 when built, 1 when not, 130 or 143 when interrupted."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        options = _parser(stages_of(PROJECT)).parse_args(arguments)
        architecture = options.arch or architecture_of(PROJECT, options.stage) or "x86_64"
        target = Target.of(architecture, options.python)
        out = options.out or OUT / options.stage
        merge = _merge_template(options.merge_template)
        spec = BuildSpec(PROJECT, options.stage, target, merge, out.resolve(), WHEEL_CACHE)
        content = build(spec, _say)
    except (PackageError, OSError) as error:
        _say(f"package: {error}")
        return 1
    except KeyboardInterrupt:
        _say("package: interrupted; nothing was changed")
        return 128 + signal.SIGINT
    size = content["zip"]
    _say(f"{size['bytes'] / 1e6:.1f} MB zipped, {size['unzipped_bytes'] / 1e6:.1f} MB unzipped")
    for name in (TEMPLATE, ZIP, SBOM, MANIFEST):
        print(out / name)
    return 0


def _merge_template(asked: Path | None) -> Path | None:
    if asked is not None and not asked.is_file():
        message = f"there is no merge template {asked}"
        raise PackageError(message)
    if asked is None and not MERGE_TEMPLATE.is_file():
        return None
    return (asked or MERGE_TEMPLATE).resolve()


def _stop(number: int, _frame: FrameType | None) -> None:
    _say("package: stopped; nothing was changed")
    sys.exit(128 + number)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser(stages: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument(
        "--stage",
        choices=stages,
        default="prod",
        help="stage of .chalice/config.json (default: %(default)s)",
    )
    parser.add_argument(
        "--arch",
        choices=ARCHITECTURES,
        help="processor (default: the stage's lambda_architecture, else x86_64)",
    )
    parser.add_argument(
        "--python",
        metavar="PROGRAM",
        help=f"interpreter of another runtime of Lambda's than {runtime_of(LAMBDA_VERSION)}",
    )
    parser.add_argument(
        "--merge-template",
        type=Path,
        metavar="FILE",
        help="CloudFormation to merge into Chalice's (default: infra/application.yaml, if there)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="replaced by the result (default: out/<stage>)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
