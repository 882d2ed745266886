"""The report in words and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers.domain.campaign_report import CampaignReport
from handlers.domain.refusal_counts import Refusals
from local.report.plot import draw
from local.report.summary import duration, summary

if TYPE_CHECKING:
    from pathlib import Path

OPENS_AT_MS, OPENS_AT = 1_795_316_400_000, "2026-11-22T03:00:00.000Z"
REFUSALS = Refusals(OPENS_AT_MS, {"NOT_OPEN": 2, "SOLD_OUT": 1200})
EMPTY = CampaignReport(100, OPENS_AT_MS, OPENS_AT_MS + 3_600_000, None, 0)


@pytest.fixture
def report() -> CampaignReport:
    made = CampaignReport(3, OPENS_AT_MS, OPENS_AT_MS + 3_600_000, OPENS_AT_MS + 2500, 3)
    made.states.update({"ISSUED": 1, "USED": 2})
    made.given.add([(OPENS_AT_MS // 10, 2), (OPENS_AT_MS // 10 + 250, 1)])
    made.redeemed.add([(OPENS_AT_MS // 10 + 12 * 360_000, 2)])
    made.issued_in.update({12: 2, 900: 1})
    made.used_in.update({43_200_000: 2})
    return made


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [
        (None, "none"),
        (0, "0 ms"),
        (-12, "-12 ms"),
        (999, "999 ms"),
        (2500, "2.5 seconds"),
        (119_000, "119 seconds"),
        (180_000, "3 minutes"),
        (7_200_000, "2 hours"),
        (172_800_000, "2 days"),
    ],
)
def test_a_duration_is_in_the_unit_in_which_it_is_read_best(span_ms: int | None, text: str) -> None:
    assert duration(span_ms) == text


def test_the_summary_has_every_figure(report: CampaignReport) -> None:
    assert summary("welcome", report, REFUSALS).splitlines() == [
        "welcome: 3 coupons of 3, sold out 2.5 seconds after the opening",
        "  opened               2026-11-22T03:00:00.000Z",
        "  states               1 ISSUED, 0 RESERVED, 2 USED, 0 EXPIRED, 0 REVOKED",
        "  admission to issue   median 12 ms, p95 900 ms",
        "  issue to redemption  median 12 hours, p95 12 hours",
        f"  refused              2 NOT_OPEN, 1,200 SOLD_OUT (counted since {OPENS_AT})",
    ]
    lines = summary("welcome", EMPTY, Refusals()).splitlines()
    assert lines[0] == "welcome: 0 coupons of 100, not sold out"
    assert lines[-1] == "  refused              none counted"
    assert summary("welcome", EMPTY, None).endswith("unknown: Redis gives no answer")


def texts(report: CampaignReport, refusals: Refusals | None, folder: Path) -> str:
    draw("welcome", report, refusals, folder / "report.svg", folder / "report.png")
    assert (folder / "report.png").read_bytes().startswith(b"\x89PNG")
    return (folder / "report.svg").read_text(encoding="utf-8")


def test_the_picture_says_what_it_shows(report: CampaignReport, tmp_path: Path) -> None:
    text = texts(report, REFUSALS, tmp_path)
    for words in (
        *("welcome: 3 coupons of 3, sold out 2.5 seconds after the opening", "3 given"),
        *("2 redeemed", "seconds since the opening", "hours since the opening", "2 used"),
        *("1,202 refused", " 1,200 SOLD_OUT", " 2 NOT_OPEN"),
    ):
        assert f">{words}<" in text


def test_the_picture_of_nothing_says_so(tmp_path: Path) -> None:
    text = texts(EMPTY, Refusals(), tmp_path)
    assert ">None given yet<" in text
    assert ">None redeemed yet<" in text
    assert ">No refusal counted<" in text
    assert ">Refusals: Redis gives no answer<" in texts(EMPTY, None, tmp_path)


def test_an_admission_long_before_the_opening_is_in_the_picture(
    report: CampaignReport, tmp_path: Path
) -> None:
    report.given.add([(0, 1)])  # a record of a foreign program
    assert ">4 given<" in texts(report, REFUSALS, tmp_path)
