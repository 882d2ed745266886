"""Coupons over HTTP: the caller's own, and all winners for an administrator."""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING, Any

from handlers import operations, wiring
from handlers.domain import times
from handlers.domain.campaign import SERIAL_MAX
from handlers.domain.errors import (
    CampaignNotFoundError,
    InvalidRequestError,
    NotAppliedError,
    UnavailableError,
)
from handlers.domain.identifiers import is_user_id
from handlers.domain.spreadsheet import text_cell
from handlers.edge.http.coupon import use_json
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response, text_response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handlers.adapters.mysql.coupon_list import ListedCoupon
    from handlers.adapters.mysql.queries import Coupon
    from handlers.domain.coupon_state import HeldCoupon
    from handlers.edge.http.request import Request

# A Lambda response holds 6 MB; a coupon takes about 250 bytes of it, at most 400.
LIMIT_MAX = 10_000
LIMIT_DEFAULT = 1000
COLUMNS = (
    *("serial", "user_id", "code", "admitted_at", "issued_at"),
    *("state", "order_id", "reserved_until", "used_at"),
)


@endpoint
def my_coupon_handler(request: Request) -> dict[str, Any]:
    """GET /campaigns/{id}/coupon: the state of the caller's own coupon."""
    user = wiring.authenticator().authenticate(request.headers)
    campaign_id = request.campaign_id()
    try:
        applied = wiring.redis_campaigns().applied(campaign_id, user.id)
    except (UnavailableError, CampaignNotFoundError):
        # Redis is not sure, or the campaign was archived. MySQL is sure of the coupons that it has.
        coupon = wiring.own_coupon_queries().coupon_of(campaign_id, user.id)
        if coupon is None or coupon.given_back:
            raise
        return json_response(200, _issued(coupon))
    if applied is None:
        raise NotAppliedError
    queries = wiring.own_coupon_queries()
    status = "PENDING"
    try:
        coupon = queries.coupon_of(campaign_id, user.id)
        if coupon and not coupon.given_back:
            return json_response(200, _issued(coupon))
        if coupon and coupon.serial == applied.serial:
            raise NotAppliedError  # given back, and Redis is about to hear of it
        if queries.has_failed(campaign_id, user.id):
            status = "FAILED"
    except UnavailableError as error:
        # Redis is sure of the admission. What has become of it is seen when MySQL is back.
        request.log_fields["detail"] = str(error)
    return json_response(
        200,
        {
            "status": status,
            "serial": applied.serial,
            "code": None,
            "admitted_at": applied.admitted_at_ms and times.to_iso(applied.admitted_at_ms),
            "issued_at": None,
            **dict.fromkeys(("state", "benefit", "usable_from", "usable_until")),
        },
    )


@endpoint
def coupons_handler(request: Request) -> dict[str, Any]:
    """GET /campaigns/{id}/coupons: a page of coupons by serial with states; or a user's."""
    wiring.authenticator().require_admin(request.headers)
    campaign_id = request.campaign_id()
    after = request.number("after", 0, 0, SERIAL_MAX)
    limit = request.number("limit", LIMIT_DEFAULT, 1, LIMIT_MAX)
    user_id = request.query.get("user_id")
    if user_id is not None and not is_user_id(user_id):
        message = "user_id: no user has such an id"
        raise InvalidRequestError(message)
    coupons = operations.coupon_list().page(campaign_id, after, limit, user_id)
    if request.wants_csv():
        text = io.StringIO()
        write_csv(text, coupons)
        return text_response(200, text.getvalue(), "text/csv; charset=utf-8")
    following = coupons[-1].serial if len(coupons) == limit else None
    return json_response(
        200, {"coupons": [_listed(coupon) for coupon in coupons], "next_after": following}
    )


def write_csv(file: IO[str], coupons: Iterable[ListedCoupon], *, header: bool = True) -> None:
    """Write coupons as CSV (RFC 4180), which a spreadsheet may open: no id becomes a formula."""
    writer = csv.DictWriter(file, COLUMNS)
    if header:
        writer.writeheader()
    for coupon in coupons:
        # The user's id and the shop's order are texts of others.
        texts = {"user_id": text_cell(coupon.user_id), "order_id": text_cell(coupon.order_id or "")}
        writer.writerow(_listed(coupon) | texts)


def _listed(coupon: ListedCoupon) -> dict[str, Any]:
    return {
        **_row(coupon),
        "state": coupon.state,
        "order_id": coupon.order_id,
        "reserved_until": _iso(coupon.reserved_until_ms),
        "used_at": _iso(coupon.used_at_ms),
    }


def _iso(time_ms: int | None) -> str | None:
    return None if time_ms is None else times.to_iso(time_ms)


def _row(coupon: Coupon | ListedCoupon) -> dict[str, Any]:
    return {
        "serial": coupon.serial,
        "user_id": coupon.user_id,
        "code": coupon.code,
        "admitted_at": times.to_iso(coupon.admitted_at_ms),
        "issued_at": times.to_iso(coupon.created_at_ms),
    }


def _issued(coupon: HeldCoupon) -> dict[str, Any]:
    return {
        "status": "ISSUED",
        "serial": coupon.serial,
        "code": coupon.code,
        "admitted_at": times.to_iso(coupon.admitted_at_ms),
        "issued_at": times.to_iso(coupon.created_at_ms),
        **use_json(coupon),
    }
