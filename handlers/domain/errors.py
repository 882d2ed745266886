"""The one tree of errors that a client can get as a response.

`code` is the stable name that clients see; the class docstring is the default detail.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

# The default Retry-After: long enough for a failover to be detected.
RETRY_AFTER_S = 1


class ServiceError(Exception):
    """Something kept the service from doing what was asked."""

    code: ClassVar[str]

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (type(self).__doc__ or ""))


class NothingHereError(ServiceError):
    """There is nothing at this path."""

    code = "NOT_FOUND"


class InvalidRequestError(ServiceError):
    """The request is malformed."""

    code = "INVALID_REQUEST"


class UnauthenticatedError(ServiceError):
    """A valid bearer token is required."""

    code = "UNAUTHENTICATED"


class ForbiddenError(ServiceError):
    """This call needs the scope coupon:admin."""

    code = "FORBIDDEN"


class NotEligibleError(ServiceError):
    """Your token does not have the claim that this campaign asks for."""

    code = "NOT_ELIGIBLE"


class ChallengeRequiredError(ServiceError):
    """Send the solution of GET /campaigns/{id}/challenge in the header Challenge-Solution."""

    code = "CHALLENGE_REQUIRED"


class ChallengeFailedError(ServiceError):
    """The solution of the challenge is not right."""

    code = "CHALLENGE_FAILED"


class NoChallengeError(ServiceError):
    """This campaign asks for no challenge."""

    code = "NO_CHALLENGE"


class CampaignNotFoundError(ServiceError):
    """There is no campaign of that id."""

    code = "CAMPAIGN_NOT_FOUND"


class NotAppliedError(ServiceError):
    """This user has no coupon of this campaign and none is on its way."""

    code = "NOT_APPLIED"


class CouponNotFoundError(ServiceError):
    """There is no coupon of that code."""

    code = "COUPON_NOT_FOUND"


class CouponReservedError(ServiceError):
    """Another order has reserved this coupon."""

    code = "RESERVED"


class CouponAlreadyUsedError(ServiceError):
    """This coupon has been used."""

    code = "ALREADY_USED"


class CouponExpiredError(ServiceError):
    """The time of this coupon is over."""

    code = "EXPIRED"


class CouponRevokedError(ServiceError):
    """This coupon was revoked."""

    code = "REVOKED"


class GivenBackTooOftenError(ServiceError):
    """You have given back coupons of this campaign too often; this one stays yours."""

    code = "TOO_MANY_REQUESTS"


class PlacesExhaustedError(ServiceError):
    """This campaign has returned as many places as it can."""

    code = "TOO_MANY_REQUESTS"


class CouponNotYetUsableError(ServiceError):
    """This coupon cannot be used yet."""

    code = "NOT_YET_USABLE"


class ErasureWaitsError(ServiceError):
    """A record of this user is still to be written; the same request may be sent again."""

    code = "ERASURE_WAITS"

    waiting: Mapping[int, str] = MappingProxyType({})  # failed events, with the reason of each

    @classmethod
    def of(cls, waiting: Mapping[int, str]) -> Self:
        """Return the error that names the failed events."""
        events = ", ".join(f"{number} ({reason})" for number, reason in waiting.items())
        error = cls(f"Failed events of this user wait to be written or decided on: {events}.")
        error.waiting = waiting
        return error


class CampaignExistsError(ServiceError):
    """A different campaign stands under that id already."""

    code = "CAMPAIGN_EXISTS"


class PreconditionRequiredError(ServiceError):
    """Send the ETag of GET /campaigns/{id} in the header If-Match."""

    code = "PRECONDITION_REQUIRED"


class PreconditionFailedError(ServiceError):
    """The campaign has changed since then; read it again."""

    code = "PRECONDITION_FAILED"


class AlreadyOpenedError(ServiceError):
    """opens_at: the campaign has opened already."""

    code = "ALREADY_OPENED"


class QuantityTooLowError(ServiceError):
    """The quantity is below the highest serial that was given."""

    code = "QUANTITY_TOO_LOW"

    @classmethod
    def of(cls, highest: int, lowest: int) -> QuantityTooLowError:
        """Return the error for a highest serial that was given, and a lowest possible quantity."""
        return cls(f"quantity: serial {highest} was given, so it must be {lowest} at least")


class CampaignNotClosedError(ServiceError):
    """Only a campaign that has closed can be archived."""

    code = "CAMPAIGN_NOT_CLOSED"


class CampaignNotSettledError(ServiceError):
    """Not every admission of this campaign is a coupon yet."""

    code = "CAMPAIGN_NOT_SETTLED"


class WebhookNotFoundError(ServiceError):
    """There is no webhook of that id."""

    code = "WEBHOOK_NOT_FOUND"


class DeliveryNotFoundError(ServiceError):
    """This webhook has no delivery of that event."""

    code = "DELIVERY_NOT_FOUND"


class WebhookOffError(ServiceError):
    """This webhook is sent nothing: set active to true first."""

    code = "WEBHOOK_OFF"


class TooManyWebhooksError(ServiceError):
    """No more webhooks can be active: delete one, or set active of one to false."""

    code = "TOO_MANY_WEBHOOKS"


class PayloadTooLargeError(ServiceError):
    """The body is over 16 KiB."""

    code = "PAYLOAD_TOO_LARGE"


class UnavailableError(ServiceError):
    """The service cannot give a sure answer right now; the same request may be sent again."""

    code = "UNAVAILABLE"
    # A log may show it: it is never a driver's text.
    has_own_text: ClassVar[bool] = True


class LedgerRefusedError(Exception):
    """MySQL refused the content of a batch, which no repetition will change."""


class TransactionTooLargeError(UnavailableError):
    """MySQL refused the size of a transaction; it may take the same content in smaller ones."""


class ChangeUnderWayError(UnavailableError):
    """Another change of this campaign is under way; send the same request again."""


class StaleStateError(UnavailableError):
    """Redis restarted or lost its state; the campaign opens again once that is restored."""


class MissingCampaignError(StaleStateError):
    """The campaign is not in Redis, and listed: it is lost, or just being created.

    Also where the list of campaigns does not respond.
    """
