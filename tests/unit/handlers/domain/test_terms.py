"""The optional fields of a campaign: what its coupons are worth, and when they can be used."""

from __future__ import annotations

import pytest

from handlers.domain import terms
from handlers.domain.campaign import Campaign, campaign_json
from handlers.domain.errors import InvalidRequestError, UnavailableError
from handlers.domain.terms import NO_TERMS, Terms

BODY = {
    "id": "welcome",
    "name": "Welcome",
    "quantity": 100,
    "opens_at": "2026-11-22T03:00:00.000Z",
    "closes_at": "2026-11-23T03:00:00.000Z",
}
BENEFIT = {
    "kind": "amount",
    "value": 5000,
    "currency": "KRW",
    "minimum_order": 20_000,
    "note": "첫 구매에만 🎟",
    "metadata": {"sku": ["a", 1, None, {"b": True}]},
}
ALL = {
    "benefit": BENEFIT,
    "usable_from": "2026-11-24T03:00:00.000Z",
    "usable_until": "2026-12-24T03:00:00.000Z",
    "time_zone": "Asia/Seoul",
}


def benefit(**changed: object) -> dict[str, object]:
    return {"benefit": BENEFIT | changed}


def test_a_campaign_shows_the_terms_that_it_was_given_and_no_others() -> None:
    assert campaign_json(Campaign.from_request(BODY)) == BODY
    assert campaign_json(Campaign.from_request(BODY | ALL)) == BODY | ALL
    days = BODY | {"usable_days": 30}
    assert campaign_json(Campaign.from_request(days)) == days


def test_terms_are_one_text_and_come_back_from_it_as_they_were() -> None:
    found = Terms.from_request(ALL)
    assert Terms.parse(found.text) == found
    assert Terms.from_request(BODY) == NO_TERMS
    assert NO_TERMS.text == ""
    assert Terms.parse("") is NO_TERMS


@pytest.mark.parametrize("text", ["1", "{", "null", '["a","b","c","d","e","f"]'])
def test_a_text_of_terms_that_the_service_never_wrote_is_no_terms(text: str) -> None:
    with pytest.raises(UnavailableError, match="cannot read"):
        Terms.parse(text)


def test_campaigns_with_other_terms_are_other_ones_whatever_the_order_of_names() -> None:
    one = Campaign.from_request(BODY | ALL)
    turned = {"benefit": dict(reversed(list(BENEFIT.items())))}
    assert one == Campaign.from_request(BODY | ALL | turned)
    for other in ({"time_zone": "Asia/Tokyo"}, benefit(value=5001), benefit(value=5000.0)):
        assert one != Campaign.from_request(BODY | ALL | other)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"benefit": []}, "benefit"),
        ({"benefit": {}}, "benefit.kind"),
        (benefit(kind="discount"), "benefit.kind"),
        (benefit(kind=["amount"]), "benefit.kind"),
        (benefit(colour="red"), "benefit"),
        (benefit(value=0), "benefit.value"),
        (benefit(value=True), "benefit.value"),
        (benefit(value="5000"), "benefit.value"),
        (benefit(value=float("inf")), "benefit.value"),
        (benefit(kind="percent", value=101), "benefit.value"),
        ({"benefit": {"kind": "percent"}}, "benefit.value"),
        ({"benefit": {"kind": "gift", "value": -1}}, "benefit.value"),
        ({"benefit": {"kind": "amount", "value": 1}}, "benefit.currency"),
        ({"benefit": {"kind": "percent", "value": 1, "minimum_order": 5}}, "benefit.currency"),
        (benefit(currency="won"), "benefit.currency"),
        (benefit(minimum_order=0), "benefit.minimum_order"),
        (benefit(note=""), "benefit.note"),
        (benefit(note="x" * 501), "benefit.note"),
        (benefit(note="bell\x07"), "benefit.note"),
        (benefit(note="\ud800"), "benefit.note"),
        (benefit(metadata=[]), "benefit.metadata"),
        (benefit(metadata={"text": "x" * 2048}), "benefit"),
        (benefit(metadata={"\ud800": 1}), "benefit"),
        (benefit(metadata={"a": float("inf")}), "benefit"),
        ({"usable_from": "soon"}, "usable_from"),
        ({"usable_until": 7}, "usable_until"),
        ({"usable_until": BODY["opens_at"]}, "usable_until"),
        ({"usable_from": ALL["usable_until"], "usable_until": ALL["usable_from"]}, "usable_until"),
        ({"usable_days": 0}, "usable_days"),
        ({"usable_days": True}, "usable_days"),
        ({"usable_days": 3661}, "usable_days"),
        ({"usable_days": 30, "usable_until": ALL["usable_until"]}, "usable_days"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": 9}, "time_zone"),
    ],
)
def test_a_bad_term_is_named(body: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidRequestError, match=rf"^{named}: "):
        Campaign.from_request(BODY | body)


def test_without_a_time_zone_database_only_the_form_of_a_name_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terms, "_zones", frozenset)
    assert Terms.from_request({"time_zone": "Mars/Olympus"}).time_zone == "Mars/Olympus"
    with pytest.raises(InvalidRequestError, match=r"^time_zone: "):
        Terms.from_request({"time_zone": "/etc/passwd"})
