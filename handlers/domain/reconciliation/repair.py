"""Repairs the differences of a reconciliation, as far as that is safe while users apply."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from handlers.domain.reconciliation.differences import GIVEN_UP, Kind
from handlers.domain.settlement import SettledAs, Settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.reconciliation.differences import Discrepancy, Entry
    from handlers.domain.reconciliation.ports import AdmissionRepairs, Settle

ROW_EXISTS = {Kind.MISSING_ADMISSION, Kind.SERIAL_MISMATCH}
# Why the rest is not repaired, for the operator.
REMEDIES = {
    Kind.PENDING_STALE: "the relay sends them; see that it and the consumer run",
    Kind.MISSING_ROW: "given up in failed_event; POST /failed-events/redrive?status=DEAD",
    Kind.MISSING_ADMISSION: "Redis did not take them over; run it again",
    Kind.SERIAL_MISMATCH: "Redis did not take them over; run it again",
    Kind.SERIAL_GAP: "the topic or failed_event has them; let both be written, then run it again",
    Kind.COUNT_MISMATCH: "no repair is safe while people apply; close the campaign first",
}


def repair(
    campaign_id: str,
    differences: Sequence[Discrepancy],
    settle: Settle,
    admissions: AdmissionRepairs,
) -> Counter[Kind]:
    """Repair what is safe; return how many of each kind. Harmless to repeat.

    Coupons in MySQL are written to Redis, and admissions that MySQL lacks are made pending for the
    relay. Gaps are not touched here: they need a proof. Raises UnavailableError when Redis is not
    sure.
    """
    repaired: Counter[Kind] = Counter()
    repaired.update(_settle(campaign_id, differences, settle))
    repaired[Kind.MISSING_ROW] += admissions.make_pending(campaign_id, _rowless(differences))
    return +repaired


def _settle(campaign_id: str, differences: Sequence[Discrepancy], settle: Settle) -> Counter[Kind]:
    """Settle in Redis the coupons of MySQL, which is the source of truth."""
    known = [
        (d.kind, Settlement(campaign_id, d.user_id, d.issued_serial, SettledAs.COUPON))
        for d in differences
        if d.kind in ROW_EXISTS and d.user_id and d.issued_serial
    ]
    settle(settlement for _, settlement in known)
    return Counter(kind for kind, _ in known)


def _rowless(differences: Sequence[Discrepancy]) -> list[Entry]:
    """Return the holders of serials that neither MySQL nor failed_event has."""
    return [
        (d.admitted_serial, d.user_id)
        for d in differences
        if d.kind is Kind.MISSING_ROW and d.detail != GIVEN_UP and d.user_id and d.admitted_serial
    ]
