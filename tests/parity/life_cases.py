"""The cases of what happens after "accepted": coupons are used, campaigns change and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.domain.coupon_codes import CouponCodes
from local.dev_settings import DEVELOPMENT_SETTINGS
from tests.parity.calls import Calls, Case
from tests.support.service import mint

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANGE, ARCHIVE = "PATCH /campaigns/{id}", "POST /campaigns/{id}/archive"
CODES = CouponCodes(DEVELOPMENT_SETTINGS["COUPON_CODE_SECRET"].encode())


class LifeCases(Calls):
    """Cases that need coupons of the campaign `open`."""

    def _changing(self) -> Iterator[Case]:
        first, more = {"If-Match": '"1"'}, {"quantity": 10, "name": "Changed"}
        yield self._admin_call("change", CHANGE, 200, body=more, headers=first)
        yield self._admin_call("change the version before", CHANGE, 412, body=more, headers=first)
        yield self._admin_call("change any version", CHANGE, 428, body=more)
        any_one = {"If-Match": "*"}
        wrong = {"quantity": 0}
        yield self._admin_call("change to nothing", CHANGE, 400, body=wrong, headers=any_one)
        late = {"opens_at": "1999-01-01T00:00:00Z"}
        yield self._admin_call("change its opening", CHANGE, 409, body=late, headers=any_one)
        yield self._case("change without a token", CHANGE, 401, body=more, headers=any_one)
        yield self._case("campaign, changed", "GET /campaigns/{id}", 200)

    def _archiving(self) -> Iterator[Case]:
        yield self._admin_call("archive what is open", ARCHIVE, 409)
        yield self._admin_call("archive", ARCHIVE, 200, campaign="over")
        yield self._admin_call("archive again", ARCHIVE, 200, campaign="over")
        yield self._case("campaign, archived", "GET /campaigns/{id}", 404, campaign="over")
        yield self._case("archive without a token", ARCHIVE, 401, campaign="over")

    def _erasing(self) -> Iterator[Case]:
        call, one = "DELETE /users/{user_id}", {"user_id": f"{self._prefix}-gone"}
        officer, shop = mint("officer", "coupon:privacy"), mint("shop", "coupon:redeem")
        yield self._case("erase", call, 204, token=officer, parameters=one)
        yield self._admin_call("erase again", call, 204, parameters=one)
        yield self._case("erase as a shop", call, 403, token=shop, parameters=one)
        yield self._case("erase without a token", call, 401, parameters=one)
        wrong = {"user_id": "not an id"}
        yield self._case("erase no id", call, 400, token=officer, parameters=wrong)

    def _using(self) -> Iterator[Case]:
        [code] = CODES.of([(self._id("open"), "ann")])
        shop, order = mint("shop", "coupon:redeem"), {"order_id": "order-1"}
        one, of_order = {"code": code}, {"code": code, "order_id": "order-1"}

        def shops(name: str, call: str, expected: int, **options: Any) -> Case:
            return self._case(name, call, expected, token=shop, **options)

        coupon, reservations = "/coupons/{code}", "/coupons/{code}/reservations"
        redemptions = "/coupons/{code}/redemptions"
        yield shops("coupon", f"GET {coupon}", 200, parameters=one)
        yield shops("coupon not found", f"GET {coupon}", 404, parameters={"code": "0" * 16})
        yield self._case("coupon without a token", f"GET {coupon}", 401, parameters=one)
        ann = self._users["ann"]
        yield self._case("coupon as a user", f"GET {coupon}", 403, token=ann, parameters=one)
        for name, status in (("reserve", 201), ("reserve again", 200)):
            yield shops(name, f"POST {reservations}", status, parameters=one, body=order)
        another = {"order_id": "order-2"}
        yield shops("reserved", f"POST {redemptions}", 409, parameters=one, body=another)
        yield shops("reserve badly", f"POST {reservations}", 400, parameters=one, body={})
        yield shops("release", f"DELETE {reservations}/{{order_id}}", 204, parameters=of_order)
        yield shops("redeem", f"POST {redemptions}", 201, parameters=one, body=order)
        revocation, reason = f"POST {coupon}/revocation", {"reason": "by mistake"}
        yield self._admin_call("revoke a used one", revocation, 409, parameters=one, body=reason)
        yield shops("cancel", f"DELETE {redemptions}/{{order_id}}", 204, parameters=of_order)
        give_back = "DELETE /campaigns/{id}/coupon"
        yield self._user("give back what there is not", give_back, 404, "dee")
        [code] = CODES.of([(self._id("small"), "bob")])
        for name in ("revoke", "revoke again"):
            yield self._admin_call(name, revocation, 200, parameters={"code": code}, body=reason)
        yield self._user("give back a revoked one", give_back, 409, "bob", "small")
