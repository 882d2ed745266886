"""Counts a campaign's coupons for a report, in pieces that hold no server up for long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import query
from handlers.adapters.mysql.effective_state import query_with_state
from handlers.domain import times
from handlers.domain.campaign_report import CampaignReport
from handlers.domain.errors import CampaignNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database

SELECT_CAMPAIGN = query("select_campaign_of_report")
SELECT_PAGE = query_with_state("select_report_page")

# MySQL needs some tenths of a second for so many, far less than the patience of a connection.
SERIALS_AT_ONCE = 50_000


class ReportReader:
    """Reads reports; raises UnavailableError when MySQL is unreachable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(
        self,
        campaign_id: str,
        after: int = 0,
        serials_max: int | None = None,
        progress: Callable[[int, int], None] = lambda _serial, _of: None,
    ) -> CampaignReport:
        """Count the coupons with serials above `after`, up to `serials_max` of them (None: all).

        Each piece is of its own moment: coupons that are issued or used meanwhile may be counted or
        not, but none is counted twice. progress: gets the serial reached and the highest one.
        Raises CampaignNotFoundError.
        """
        report = self._campaign(campaign_id)
        highest = report.highest_serial
        end = highest if serials_max is None else min(highest, after + serials_max)
        for start in range(after, end, SERIALS_AT_ONCE):
            through = min(end, start + SERIALS_AT_ONCE)
            _add(report, self._piece(campaign_id, report, start, through))
            progress(through, highest)
        report.next_after = end if end < highest else None
        return report

    def _campaign(self, campaign_id: str) -> CampaignReport:
        def work(cursor: Cursor) -> tuple[Any, ...] | None:
            cursor.execute(SELECT_CAMPAIGN, {"campaign_id": campaign_id})
            return cursor.fetchone()

        row = self._database.run(work)
        if row is None:
            raise CampaignNotFoundError
        quantity, opens_at, closes_at, sold_out_at, highest = row
        return CampaignReport(
            quantity,
            times.from_datetime(opens_at),
            times.from_datetime(closes_at),
            None if sold_out_at is None else times.from_datetime(sold_out_at),
            highest or 0,
        )

    def _piece(
        self, campaign_id: str, report: CampaignReport, after: int, through: int
    ) -> Sequence[tuple[Any, ...]]:
        def work(cursor: Cursor) -> Sequence[tuple[Any, ...]]:
            cursor.execute(
                SELECT_PAGE,
                {
                    "campaign_id": campaign_id,
                    "after": after,
                    "through": through,
                    "given_width_ms": report.given.width_ms,
                    "redeemed_width_ms": report.redeemed.width_ms,
                },
            )
            return cursor.fetchall()

        return self._database.run(work)


def _add(report: CampaignReport, rows: Sequence[tuple[Any, ...]]) -> None:
    given: list[tuple[int, int]] = []
    redeemed: list[tuple[int, int]] = []
    for what, number, state, count in rows:
        value = int(number)  # the UNION may make a decimal of it
        if what == "GIVEN":
            given.append((value, count))
            report.states[state] += count
        elif what == "REDEEMED":
            redeemed.append((value, count))
        elif what == "ISSUED_IN":
            report.issued_in[value] += count
        else:
            report.used_in[value] += count
    report.given.add(given)
    report.redeemed.add(redeemed)
