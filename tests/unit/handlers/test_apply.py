"""apply_handler on fakes: the exact responses, and which applicants reach Kafka."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.domain.coupon import CouponAccepted
from handlers.domain.settlement import SettledAs, Settlement
from tests.support.apply_events import applied, problem
from tests.support.fake_campaign import FakeCampaign
from tests.support.fakes import FENCE, NOW_MS
from tests.support.single import admit_one
from tests.unit.conftest import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.admission import Admission, Applicant
    from handlers.domain.errors import UnavailableError
    from tests.unit.conftest import Bearer, Fakes, LogLines

JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}


@pytest.mark.usefixtures("campaign")
def test_the_first_user_is_accepted_and_published(fakes: Fakes, bearer: Bearer) -> None:
    assert applied(bearer("42")) == {
        "statusCode": 202,
        "headers": JSON,
        "body": '{"campaign_id":"welcome","user_id":"42","outcome":"ACCEPTED","serial":1}',
    }
    [(key, value, request_id)] = fakes.publisher.sent
    assert (key, request_id) == (b"42", "request-1")
    assert CouponAccepted.decode(value) == CouponAccepted("welcome", "42", 1, NOW_MS, FENCE)


@pytest.mark.usefixtures("campaign")
def test_the_same_user_gets_the_same_serial_and_once_it_is_written_no_second_message(
    fakes: Fakes, bearer: Bearer
) -> None:
    applied(bearer("42"))
    fakes.admissions.settle([Settlement("welcome", "42", 1, SettledAs.COUPON)])
    for _ in range(5):
        assert applied(bearer("42")) == {
            "statusCode": 200,
            "headers": JSON,
            "body": '{"campaign_id":"welcome","user_id":"42",'
            '"outcome":"ALREADY_APPLIED","serial":1}',
        }
    assert len(fakes.publisher.sent) == 1


@pytest.mark.usefixtures("campaign")
def test_a_retry_before_the_row_is_written_is_published_again(fakes: Fakes, bearer: Bearer) -> None:
    admit_one(fakes.admissions, "welcome", "42")  # an apply that was killed right after the script
    assert applied(bearer("42"))["statusCode"] == 200
    [(_, value, _)] = fakes.publisher.sent
    assert CouponAccepted.decode(value) == CouponAccepted("welcome", "42", 1, NOW_MS, FENCE)


@pytest.mark.usefixtures("campaign")
def test_a_retry_gets_no_success_until_it_is_durable(fakes: Fakes, bearer: Bearer) -> None:
    fakes.publisher.acknowledges = fakes.direct_writer.writes = False
    assert [applied(bearer("42"))["statusCode"] for _ in range(2)] == [503, 503]
    fakes.direct_writer.writes = True
    assert applied(bearer("42"))["statusCode"] == 200


@pytest.mark.usefixtures("campaign")
def test_when_sold_out_new_users_are_rejected_and_winners_still_get_their_serial(
    bearer: Bearer,
) -> None:
    assert [applied(bearer(user))["statusCode"] for user in ("1", "2")] == [202, 202]
    assert applied(bearer("3")) == problem(
        "SOLD_OUT", 409, "Conflict", "All coupons of this campaign are gone."
    )
    assert json.loads(applied(bearer("2"))["body"])["serial"] == 2


@pytest.mark.parametrize(
    ("early_ms", "seconds"), [(1, "1"), (1000, "1"), (1001, "2"), (60_000, "60")]
)
def test_a_user_who_is_too_early_gets_the_time_to_retry(
    fakes: Fakes, bearer: Bearer, campaign: FakeCampaign, early_ms: int, seconds: str
) -> None:
    fakes.admissions.now_ms = campaign.opens_at_ms - early_ms
    assert applied(bearer()) == problem(
        "NOT_OPEN", 409, "Conflict", "This campaign has not opened yet.", Retry_After=seconds
    )


def test_a_user_who_is_too_late_gets_closed(
    fakes: Fakes, bearer: Bearer, campaign: FakeCampaign
) -> None:
    fakes.admissions.now_ms = campaign.closes_at_ms
    assert applied(bearer()) == problem("CLOSED", 409, "Conflict", "This campaign is over.")


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("campaign_id", ["other", "Not-An-Id", "", "a{b}", "\ud800"])
def test_an_unknown_campaign_is_not_found(bearer: Bearer, campaign_id: str) -> None:
    assert applied(bearer(), campaign_id) == problem(
        "CAMPAIGN_NOT_FOUND", 404, "Not Found", "There is no campaign of that id."
    )


STALE = problem(
    "UNAVAILABLE",
    503,
    "Service Unavailable",
    "Redis restarted or lost its state; the campaign opens again once that is restored.",
    Retry_After="1",
)


def test_a_redis_that_may_have_lost_winners_admits_no_user(
    bearer: Bearer, campaign: FakeCampaign
) -> None:
    campaign.stale = True
    assert applied(bearer()) == STALE


def test_a_redis_that_has_lost_everything_does_not_report_not_found(
    fakes: Fakes, bearer: Bearer
) -> None:
    fakes.admissions.epoch_is_known = False
    assert applied(bearer()) == STALE


def test_an_unreachable_redis_gives_503(fakes: Fakes, bearer: Bearer) -> None:
    fakes.admissions.reachable = False
    response = applied(bearer())
    assert response["statusCode"] == 503
    assert response["headers"]["Retry-After"] == "1"
    assert json.loads(response["body"])["code"] == "UNAVAILABLE"


def test_without_a_valid_token_no_user_is_admitted(fakes: Fakes, campaign: FakeCampaign) -> None:
    assert applied({}) == problem(
        "UNAUTHENTICATED",
        401,
        "Unauthorized",
        "A valid bearer token is required.",
        WWW_Authenticate="Bearer",
    )
    assert campaign == FakeCampaign(2, NOW_MS - 1000, NOW_MS + HOUR_MS)
    assert not fakes.publisher.sent


def test_without_an_ack_an_admission_on_the_disk_is_accepted(
    fakes: Fakes, bearer: Bearer, campaign: FakeCampaign
) -> None:
    fakes.publisher.acknowledges = False
    response = applied(bearer("42"))
    assert response["statusCode"] == 202
    assert json.loads(response["body"])["serial"] == 1
    assert campaign.pending == {}  # settled: the relay has nothing to send
    assert [row.user_id for row in fakes.direct_writer.written] == ["42"]


def test_without_an_ack_and_without_a_row_it_is_503_and_nothing_is_undone(
    fakes: Fakes, bearer: Bearer, campaign: FakeCampaign
) -> None:
    fakes.publisher.acknowledges = False
    fakes.direct_writer.writes = False
    assert applied(bearer("42")) == problem(
        "UNAVAILABLE",
        503,
        "Service Unavailable",
        "Your place is kept but not yet safe; send the same request again.",
        Retry_After="1",
    )
    assert (campaign.serials, campaign.pending) == ({"42": 1}, {"42": NOW_MS})
    assert (campaign.count, campaign.returned) == (1, [])


def test_a_rejected_apply_changes_neither_the_campaign_nor_kafka(
    fakes: Fakes, bearer: Bearer, campaign: FakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "publisher", lambda: pytest.fail("asked for Kafka"))
    campaign.count = campaign.quantity
    before = repr(campaign)
    for _ in range(3):
        assert applied(bearer("late"))["statusCode"] == 409
        assert applied(bearer("late"), "other")["statusCode"] == 404
    assert repr(campaign) == before
    assert not fakes.publisher.sent


@pytest.mark.usefixtures("campaign")
def test_the_log_names_the_outcome_and_not_the_user(bearer: Bearer, logged: LogLines) -> None:
    headers = bearer("user-of-the-shop")
    applied(headers)
    [line] = logged.lines
    assert (line["message"], line["outcome"], line["status"]) == ("apply_handler", "ACCEPTED", 202)
    assert (line["campaign_id"], line["request_id"]) == ("welcome", "request-1")
    assert headers["Authorization"].removeprefix("Bearer ") not in logged.text


def test_once_sold_out_the_next_users_are_rejected_without_redis_and_winners_use_it(
    fakes: Fakes, campaign: FakeCampaign, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign.quantity = 1
    codes = [applied(bearer(user))["statusCode"] for user in ("winner", "late")]
    assert codes == [202, 409]
    admitted: list[str] = []
    admit_all = fakes.admissions.admit_all

    def counted(applicants: Sequence[Applicant]) -> list[Admission | UnavailableError]:
        admitted.extend(applicant.user_id for applicant in applicants)
        return admit_all(applicants)

    monkeypatch.setattr(fakes.admissions, "admit_all", counted)
    results = {user: applied(bearer(user)) for user in ("late", "later", "winner")}
    assert admitted == ["winner"]
    assert json.loads(results["winner"]["body"])["outcome"] == "ALREADY_APPLIED"
    assert {json.loads(results[user]["body"])["code"] for user in ("late", "later")} == {"SOLD_OUT"}
