"""A campaign as a row of the table campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import query
from handlers.domain import times
from handlers.domain.campaign import Campaign
from handlers.domain.releases import Releases
from handlers.domain.rules import Rules
from handlers.domain.terms import Terms

if TYPE_CHECKING:
    from datetime import datetime

    from pymysql.cursors import Cursor

SELECT_CAMPAIGNS = query("select_campaigns")


def to_values(campaign: Campaign) -> dict[str, Any]:
    """Return the values of the columns that an administrator sets, by their names."""
    terms = campaign.terms
    return {
        "id": campaign.id,
        "name": campaign.name,
        "quantity": campaign.quantity,
        "opens_at": times.to_mysql(campaign.opens_at_ms),
        "closes_at": times.to_mysql(campaign.closes_at_ms),
        "rate_per_address": campaign.rate_per_address,
        "rules": campaign.rules.text or None,
        "releases": campaign.releases.text or None,
        "benefit": terms.benefit or None,
        "usable_from": _to_mysql(terms.usable_from_ms),
        "usable_until": _to_mysql(terms.usable_until_ms),
        "usable_days": terms.usable_days,
        "time_zone": terms.time_zone or None,
    }


def select_campaigns(cursor: Cursor, campaign_id: str | None = None) -> list[Campaign]:
    """Return the campaign of this id, if there is one; or all that are not archived, by id."""
    cursor.execute(SELECT_CAMPAIGNS, {"id": campaign_id})
    return [_campaign(row) for row in cursor.fetchall()]


def _campaign(row: tuple[Any, ...]) -> Campaign:
    campaign_id, name, quantity, opens_at, closes_at, fence, rate_per_address, rules, *rest = row
    releases, benefit, usable_from, usable_until, usable_days, time_zone, *rest = rest
    paused, version, places_returned, erased_users, archived_at = rest
    return Campaign(
        campaign_id,
        name,
        quantity,
        times.from_datetime(opens_at),
        times.from_datetime(closes_at),
        fence,
        rate_per_address,
        Rules.parse(rules or ""),
        Releases.parse(releases or ""),
        Terms(
            benefit or "",
            _from_mysql(usable_from),
            _from_mysql(usable_until),
            usable_days,
            time_zone or "",
        ),
        bool(paused),
        version,
        places_returned,
        erased_users,
        archived_at is not None,
    )


def _to_mysql(time_ms: int | None) -> str | None:
    return None if time_ms is None else times.to_mysql(time_ms)


def _from_mysql(time: datetime | None) -> int | None:
    return None if time is None else times.from_datetime(time)
