"""The one loss that is documented: what a former primary confirms where no replica has to.

Without `REDIS_CONFIRMING_REPLICAS`, a primary that is cut off without noticing confirms admissions
until its `min-replicas-max-lag` is over, also where a promoted replica has been rebuilt meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.engine.history import MODEL

if TYPE_CHECKING:
    from tests.faults.engine.history import Result

# The guard of the model that finds an accepted user without a row.
NO_ROW = "P3_accepted_without_coupon: "


def excuse(result: Result) -> None:
    """Take that loss out of the violations of a history in which it may happen."""
    if not result.scenario.is_open_to_loss:
        return
    result.excused = [each for each in result.violations if _is_loss(each)]
    result.violations = [each for each in result.violations if each not in result.excused]
    result.lost_in_window, result.lost = result.lost, 0


def _is_loss(violation: str) -> bool:
    """Tell whether it says of an accepted user that the row is missing, or is another one."""
    return violation.startswith("P3: ") or (violation.startswith(MODEL) and NO_ROW in violation)
