"""The line of a run: state, what is waited for, counts and rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handlers.domain.campaign import Campaign, CampaignStatus
from handlers.domain.releases import Releases
from local.run.look import Look, duration, line

OPENS_MS, CLOSES_MS = 100_000, 200_000
CAMPAIGN = Campaign("one", "One", 100, OPENS_MS, CLOSES_MS)


def seen(
    now_ms: int,
    campaign: Campaign = CAMPAIGN,
    *,
    admitted: int = 0,
    refused: int = 0,
    failed: int = 0,
    oldest_pending_ms: int | None = None,
) -> Look:
    pending = 0 if oldest_pending_ms is None else 3
    status = CampaignStatus(
        campaign, admitted, pending, campaign.quantity - admitted, oldest_pending_ms, now_ms
    )
    return Look(now_ms / 1000, status, refused, admitted - pending, failed)


def test_a_burst_is_shown_with_its_rates_and_what_is_on_its_way() -> None:
    before = seen(OPENS_MS, admitted=10, refused=100)
    now = seen(OPENS_MS + 2000, admitted=50, refused=2100, oldest_pending_ms=OPENS_MS + 1200)
    assert line(now, before).plain == (
        "OPEN, 98 s left    50 of 100 given, 47 in MySQL, 3 pending for 0.8 s;"
        " 1,020 applied/s, 1,000 refused/s; 0 failed"
    )


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (seen(OPENS_MS - 22_500), "opens in 23 s"),
        (seen(OPENS_MS, admitted=100), "SOLD OUT"),
        (seen(CLOSES_MS, admitted=100), "CLOSED"),
        (seen(OPENS_MS, replace(CAMPAIGN, paused=True)), "PAUSED"),
        (
            seen(
                OPENS_MS,
                replace(CAMPAIGN, releases=Releases.parse("[[100000,10],[109000,90]]")),
                admitted=10,
            ),
            "more in 9 s",
        ),
    ],
)
def test_each_state_says_what_a_person_waits_for(look: Look, words: str) -> None:
    assert line(look, look).plain.startswith(words)


def test_counts_that_redis_has_lost_are_no_rate_below_zero() -> None:
    now = seen(OPENS_MS + 1000)
    assert "0 applied/s, 0 refused/s" in line(now, seen(OPENS_MS, admitted=9, refused=9)).plain


def test_what_failed_is_conspicuous() -> None:
    now = seen(OPENS_MS, failed=2)
    assert any("red" in str(span.style) for span in line(now, now).spans)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 s"),
        (1, "1 s"),
        (99_000, "99 s"),
        (100_000, "2 min"),
        (5_399_000, "90 min"),
        (86_400_000, "24 h"),
    ],
)
def test_a_time_is_in_the_unit_that_reads_best(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text
