"""Say how a campaign's coupons were given and used: `python -m local.report CAMPAIGN`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from handlers import operations
from handlers.config import ConfigurationError
from handlers.domain.errors import CampaignNotFoundError, ServiceError
from handlers.report import refusals_of, report_json
from local.cli import EXIT_MISCONFIGURED, campaign_id, end
from local.report.summary import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.campaign_report import CampaignReport
    from handlers.domain.refusal_counts import Refusals

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130
PICTURES = ("report.svg", "report.png")
FIGURES = "report.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 reported, 1 not, 2 wrong settings or campaign."""
    options = _parser().parse_args(arguments)
    try:
        report = operations.report_reader().report(options.campaign, progress=_progress)
        refusals = refusals_of(options.campaign)
        if options.json:
            print(_json(options.campaign, report, refusals))
        else:
            print(summary(options.campaign, report, refusals))
            print(_write(options.out / options.campaign, options.campaign, report, refusals))
    except ConfigurationError as error:
        return end(f"Wrong settings: {error}.", EXIT_MISCONFIGURED)
    except CampaignNotFoundError as error:
        return end(str(error), EXIT_MISCONFIGURED)
    except ModuleNotFoundError as error:
        return end(f"No picture without {error.name}: --json needs none.", EXIT_FAILED)
    except (ServiceError, OSError) as error:
        return end(f"No report: {error}", EXIT_FAILED)
    except KeyboardInterrupt:
        return end("Interrupted: there is no report.", EXIT_INTERRUPTED)
    return 0


def _progress(reached: int, highest: int) -> None:
    if sys.stderr.isatty():
        ending = "\n" if reached == highest else ""
        line = f"\r{reached:,} of {highest:,} serials counted"
        print(line, end=ending, file=sys.stderr, flush=True)


def _json(campaign: str, report: CampaignReport, refusals: Refusals | None) -> str:
    return json.dumps(report_json(campaign, report, refusals), indent=2)


def _write(folder: Path, campaign: str, report: CampaignReport, refusals: Refusals | None) -> str:
    """Write figures and picture; return a line that names them."""
    # Imported here: --help, --json and a container without matplotlib need no picture.
    from local.report.plot import draw  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    (folder / FIGURES).write_text(f"{_json(campaign, report, refusals)}\n", encoding="utf-8")
    draw(campaign, report, refusals, *(folder / name for name in PICTURES))
    return f"{folder}: {', '.join((FIGURES, *PICTURES))}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.report",
        description="Say how a campaign's coupons were given and used, straight from MySQL: over "
        "time, time to sell out, states, medians; and who was refused and why, from Redis. In "
        "words, as JSON and as a picture.",
        epilog="Exit code: 0 reported, 1 not, 2 wrong settings, arguments or campaign. Settings "
        "come from the environment. It may be run while users apply, and counts 10 million "
        "coupons in about a minute.",
    )
    parser.add_argument("campaign", type=campaign_id, help="id of the campaign")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("out/report"),
        help="folder in which each campaign gets a folder of its own (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the JSON alone, write no file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
