"""Compare Redis, MySQL and failed_event: `python -m local.reconcile [CAMPAIGN …] [--repair]`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import TYPE_CHECKING

from handlers import operations, wiring
from handlers.config import ConfigurationError
from handlers.domain.errors import CampaignNotFoundError, ServiceError
from handlers.domain.reconciliation.differences import Kind
from handlers.domain.reconciliation.repair import repair
from handlers.domain.reconciliation.serial_bitset import SerialBitset
from handlers.reconcile import (
    LISTED_MAX,
    ReconciliationReport,
    compare,
    complete_returns,
    give_gaps_back,
)
from local.cli import EXIT_MISCONFIGURED, campaign_id, end
from local.reconcile.progress import Progress
from local.reconcile.report import as_json, as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_FOUND, EXIT_INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 nothing found, 1 something, 2 wrong settings."""
    options = _parser().parse_args(arguments)
    try:
        campaigns = list(dict.fromkeys(options.campaigns)) or _all_campaigns()
        # All campaigns are compared, also after one that cannot be.
        sound = [_campaign(one, options) for one in campaigns]
    except ConfigurationError as error:
        return end(f"Wrong settings: {error}.", EXIT_MISCONFIGURED)
    except CampaignNotFoundError as error:
        return end(str(error), EXIT_MISCONFIGURED)
    except ServiceError as error:
        return end(f"Not compared: {error}", EXIT_FOUND)
    except KeyboardInterrupt:
        return end("Interrupted: what was not reported is not compared.", EXIT_INTERRUPTED)
    return 0 if all(sound) else EXIT_FOUND


def _all_campaigns() -> list[str]:
    """Return the ids of all campaigns that either side knows."""
    in_mysql = {campaign.id for campaign in wiring.mysql_queries().campaigns()}
    return sorted(in_mysql | set(wiring.redis_campaigns().ids()))


def _campaign(campaign_id: str, options: argparse.Namespace) -> bool:
    """Compare one campaign, repair it if asked, report; return whether nothing is (left) wrong."""
    try:
        if options.repair:
            complete_returns(campaign_id)
        found, repaired = _compare(campaign_id, with_repair=options.repair)
        if repaired:
            # The result is what a second comparison finds, not what the repair intended.
            found, _ = _compare(campaign_id, with_repair=False)
    except CampaignNotFoundError as error:
        if options.campaigns:
            message = f"Neither Redis nor MySQL has the campaign {campaign_id}."
            raise CampaignNotFoundError(message) from error
        return True  # listed in Redis and nowhere else: its creation was interrupted
    except ServiceError as error:
        print(f"{campaign_id}: not compared: {error}", file=sys.stderr, flush=True)
        return False
    report = as_json if options.json else as_text
    print(report(campaign_id, found, repaired, with_repair=options.repair), flush=True)
    return not found.total


def _compare(campaign_id: str, *, with_repair: bool) -> tuple[ReconciliationReport, Counter[Kind]]:
    found, repaired, gaps = ReconciliationReport(), Counter[Kind](), SerialBitset()
    with Progress(campaign_id) as progress:
        reconciler = compare(campaign_id, progress=progress.show)
        for batch in reconciler.differences():
            found.add(batch)
            if with_repair:
                repaired += repair(
                    campaign_id, batch, wiring.admissions().settle, operations.admission_reader()
                )
                for difference in batch:
                    if difference.kind is Kind.SERIAL_GAP and difference.admitted_serial:
                        gaps.add(difference.admitted_serial)
    found.states = reconciler.states
    if gaps:
        repaired += Counter({Kind.SERIAL_GAP: _give_back(campaign_id, gaps)})
    return found, repaired


def _give_back(campaign_id: str, gaps: SerialBitset) -> int:
    try:
        return give_gaps_back(campaign_id, gaps)
    except ServiceError as error:
        print(f"{campaign_id}: no serial is given back: {error}", file=sys.stderr, flush=True)
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.reconcile",
        description="Compare Redis, MySQL and failed_event, and name every difference that two "
        f"looks have seen (the first {LISTED_MAX:,} of a campaign one by one). Nothing is locked: "
        "it may be run while users apply.",
        epilog="Exit code: 0 nothing found, 1 something found (with --repair: left) or a server "
        "unreachable, 2 wrong settings or arguments. Settings come from the environment.",
    )
    parser.add_argument(
        "campaigns",
        type=campaign_id,
        nargs="*",
        metavar="CAMPAIGN",
        help="ids (default: all campaigns)",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="put into Redis what MySQL has, make pending what MySQL lacks, give back serials that "
        "nothing has; say what is left",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line per campaign")
    return parser


if __name__ == "__main__":
    sys.exit(main())
