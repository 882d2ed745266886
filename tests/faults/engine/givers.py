"""Takes a user who gave coupons back for several: one for each coupon.

So the checks of the promises hold for each of the coupons, whose user may have another one. What
such a user was answered without a serial says nothing about one of them, and is left out.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from local.harness.responses import EXPECTED, UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from local.harness.observations import Row
    from local.harness.responses import ApplyResponse


def told_apart(
    givers: Collection[str],
    responses: Mapping[str, Sequence[ApplyResponse]],
    rows: Sequence[Row],
) -> tuple[dict[str, list[ApplyResponse]], list[Row]]:
    """Return responses by user and rows, with a user of its own for each coupon of the givers.

    Who gave which serial to such a user is not known, so their order is not compared.
    """
    found: dict[str, list[ApplyResponse]] = {}
    for user, got in responses.items():
        for each in got:
            name = user
            if user in givers:
                if each.serial is None and each.outcome in (*EXPECTED, UNDECIDED):
                    continue
                name = of(user, each.serial)
            found.setdefault(name, []).append(dataclasses.replace(each, user=name))
    named = [
        dataclasses.replace(row, user=of(row.user, row.serial)) if row.user in givers else row
        for row in rows
    ]
    return found, named


def of(user: str, serial: int | None) -> str:
    """Return the name of a giver as the owner of one coupon."""
    return f"{user}#{serial}"
