"""Fakes of Redis, Kafka and MySQL; tests/contract checks that they act like the real adapters.

They keep their state in plain dictionaries that a test may look into or change.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handlers.domain.admission import (
    UNLIMITED,
    UNSCREENED,
    Admission,
    Applicant,
    Outcome,
    RateLimits,
    Screening,
)
from handlers.domain.errors import UnavailableError
from handlers.domain.record import DecodedRecord, FailedEvent, Reason, Record
from handlers.domain.rejection_cache import FINAL, Rejection
from handlers.domain.settlement import SettledAs, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from handlers.domain.coupon import CouponAccepted, OutgoingMessage
    from tests.support.fake_campaign import FakeCampaign

NOW_MS = 1_795_316_400_123  # 2026-11-22T03:00:00.123Z
FENCE = 1
Position = tuple[str, int, int]


@dataclass
class FakeAdmissions:
    """Admissions without Redis."""

    now_ms: int = NOW_MS
    epoch_is_known: bool = True
    reachable: bool = True
    limits: RateLimits = UNLIMITED
    campaigns: dict[str, FakeCampaign] = field(default_factory=dict)
    settled: list[Settlement] = field(default_factory=list)

    def admit_all(self, applicants: Sequence[Applicant]) -> list[Admission | UnavailableError]:
        decided: list[Admission | UnavailableError] = []
        for applicant in applicants:
            try:
                decided.append(self._decide(*applicant))
            except UnavailableError as error:
                decided.append(error)
        return decided

    def _decide(  # noqa: C901, PLR0911 - an outcome each
        self,
        campaign_id: str,
        user_id: str,
        address: str = "",
        screening: Screening = UNSCREENED,
        pseudonym: str = "",
    ) -> Admission:
        self._require_reachable()
        campaign = self.campaigns.get(campaign_id)
        if campaign is None:
            return Admission(Outcome.NOT_FOUND if self.epoch_is_known else Outcome.STALE)
        if campaign.stale:
            return Admission(Outcome.STALE)
        is_erased = bool(campaign.erased) and user_id not in campaign.serials
        if is_erased and not pseudonym:
            return Admission(Outcome.PSEUDONYM)
        is_erased = is_erased and pseudonym in campaign.serials
        user_id = pseudonym if is_erased else user_id
        applied, early_ms = user_id in campaign.serials, campaign.opens_at_ms - self.now_ms
        if not applied and screening.rules != campaign.rules:
            return Admission(Outcome.RULES, rules=campaign.rules)
        waits = campaign.waits(self.now_ms) if not applied and early_ms <= 0 else None
        if waits and waits.outcome in FINAL:
            return waits
        window, passed_ms = divmod(-early_ms, 1000)
        is_counted = applied or early_ms > 0 or screening.is_refused or waits is not None
        counted = [((window, f"user:{user_id}"), self.limits.per_user)] * is_counted
        own = campaign.rate_per_address
        per_address = self.limits.per_address if own is None else own
        counted += [((window, address), per_address)] * bool(address)
        if any(limit and campaign.rate[key] >= limit for key, limit in counted):
            return Admission(Outcome.TOO_MANY_REQUESTS, retry_in_ms=1000 - passed_ms)
        campaign.rate.update(key for key, _ in counted)
        if applied:
            pending_since = 0 if is_erased else campaign.pending.get(user_id, 0)
            return Admission(
                Outcome.ALREADY_APPLIED, campaign.serials[user_id], pending_since, fence=FENCE
            )
        if screening.is_refused:
            return Admission(Outcome.REFUSED)
        if early_ms > 0:
            return Admission(Outcome.NOT_OPEN, retry_in_ms=early_ms)
        if waits:
            return waits
        if campaign.returned:
            serial = campaign.returned.pop(0)
        else:
            serial = campaign.count = campaign.next_serial()
        campaign.serials[user_id] = serial
        campaign.pending[user_id] = self.now_ms
        return Admission(Outcome.ACCEPTED, serial, self.now_ms, fence=FENCE)

    def rejection(self, campaign_id: str, winners_max: int) -> Rejection | None:
        self._require_reachable()
        campaign = self.campaigns.get(campaign_id)
        if campaign is None or campaign.stale or len(campaign.serials) > winners_max:
            return None
        winners = frozenset(campaign.serials)
        if self.now_ms >= campaign.closes_at_ms:
            return Rejection(Admission(Outcome.CLOSED), winners)
        released, next_at_ms = campaign.released(self.now_ms)
        if campaign.returned or campaign.next_serial(released if next_at_ms is None else None):
            return None
        return Rejection(Admission(Outcome.SOLD_OUT), winners)

    def confirm_all(self, admitted: Sequence[CouponAccepted], _deadline: float = 0.0) -> list[bool]:
        self._require_reachable()
        return [self._is_current(message) for message in admitted]

    def _is_current(self, message: CouponAccepted) -> bool:
        campaign = self.campaigns.get(message.campaign_id)
        return campaign is not None and not campaign.stale and message.fence == FENCE

    def settle(self, settlements: Iterable[Settlement]) -> None:
        self._require_reachable()
        for settlement in settlements:
            self.settled.append(settlement)
            campaign = self.campaigns.get(settlement.campaign_id)
            if campaign:
                _settle(campaign, settlement)

    def _require_reachable(self) -> None:
        if not self.reachable:
            raise UnavailableError


def _settle(campaign: FakeCampaign, settlement: Settlement) -> None:
    user, serial = settlement.user_id, settlement.serial
    known = campaign.serials.get(user)
    if settlement.state is SettledAs.COUPON:
        if known != serial and f" {serial}" in campaign.serials:
            return
        if known != serial:
            campaign.serials[user] = serial
            campaign.returned = [one for one in campaign.returned if one != serial]
    elif known != serial or settlement.fence not in {0, FENCE}:
        return
    campaign.pending.pop(user, None)


@dataclass
class FakePublisher:
    """A topic that is a list; it gives no acks if so configured, or after the deadline."""

    acknowledges: bool = True
    sent: list[tuple[bytes, bytes, str]] = field(default_factory=list)  # key, value, request id
    traceparents: list[str] = field(default_factory=list)

    def publish_all(self, outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]:
        if self.acknowledges:
            self.sent += [
                (message.user_id.encode(), message.encode(), request_id)
                for message, request_id, *_ in outgoing_messages
            ]
            self.traceparents += [one.traceparent for one in outgoing_messages]
        return [self.acknowledges and time.monotonic() <= one.deadline for one in outgoing_messages]

    def ping(self) -> None:
        if not self.acknowledges:
            raise UnavailableError


@dataclass
class FakeLedger:
    """The tables coupon and failed_event with their guards."""

    quantities: dict[str, int] = field(default_factory=dict)
    coupons: dict[tuple[str, str], int] = field(default_factory=dict)  # the serial of each user
    failures: dict[Position, FailedEvent] = field(default_factory=dict)

    def prepare(self, accepted: Sequence[DecodedRecord]) -> Sequence[DecodedRecord]:
        return accepted

    def write(
        self,
        accepted: Sequence[DecodedRecord],
        failed: Sequence[FailedEvent],
        meanwhile: Callable[[], object] | None = None,
    ) -> list[Settlement]:
        if meanwhile:
            meanwhile()
        settlements = []
        for one in sorted(accepted, key=lambda a: (a.coupon.campaign_id, a.coupon.serial)):
            coupon = one.coupon
            reason = self._write(coupon)
            if reason:
                event = FailedEvent(one.record, reason, "", coupon.campaign_id, coupon.user_id)
                self._store(event)
            ids = coupon.campaign_id, coupon.user_id, coupon.serial
            if reason:
                settlements.append(Settlement(*ids, SettledAs.FAILED_EVENT, coupon.fence))
            else:
                settlements.append(Settlement(*ids, SettledAs.COUPON))
        for event in failed:
            self._store(event)
        return settlements

    def _write(self, coupon: CouponAccepted) -> Reason | None:  # noqa: PLR0911 - a reason each
        owner = (coupon.campaign_id, coupon.user_id)
        quantity = self.quantities.get(coupon.campaign_id)
        taken = {(campaign, serial) for (campaign, _), serial in self.coupons.items()}
        if self.coupons.get(owner) == coupon.serial:
            return None
        if not 1 <= coupon.serial <= 10_000_000:
            return Reason.SERIAL_OUT_OF_RANGE
        if quantity is None:
            return Reason.CAMPAIGN_UNKNOWN
        if coupon.serial > quantity:
            return Reason.SERIAL_OUT_OF_RANGE
        if owner in self.coupons:
            return Reason.USER_HAS_OTHER_SERIAL
        if (coupon.campaign_id, coupon.serial) in taken:
            return Reason.SERIAL_TAKEN
        self.coupons[owner] = coupon.serial
        return None

    def _store(self, event: FailedEvent) -> None:
        record = event.record
        position = (record.topic, record.partition, record.offset)
        known = self.failures.setdefault(position, event)
        if known.record.value != record.value:  # the topic was created again
            position = (f"{record.topic}@{record.timestamp_ms}", record.partition, record.offset)
            self.failures.setdefault(position, event)


def record(value: bytes | None, offset: int = 0, partition: int = 0) -> Record:
    """Return a record as Lambda delivers it; only Kafka uses its key."""
    return Record("coupon_create", partition, offset, NOW_MS, b"key", value, "request")
