"""The product's ledger, whose MySQL may refuse a user's rows for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql

from handlers.adapters.mysql import ledger
from handlers.adapters.mysql.direct_writer import DirectWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.coupon import CouponAccepted
    from handlers.domain.record import DecodedRecord


class Ledger(ledger.Ledger):
    """refused: users whose rows MySQL refuses, as it refuses a value that does not fit."""

    def __init__(self, database: Database, code_secret: str) -> None:
        super().__init__(database, code_secret)
        self.refused: set[str] = set()

    def insert(
        self, cursor: Cursor, accepted: Sequence[DecodedRecord], *, direct: bool = False
    ) -> dict[DecodedRecord, ledger.Refusal]:
        if any(one.coupon.user_id in self.refused for one in accepted):
            raise pymysql.DataError(1406, "simulated")
        return super().insert(cursor, accepted, direct=direct)


class DirectWriters:
    """A writer of its own for each apply, as each is a process of its own here."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def write_all(self, admitted: Sequence[CouponAccepted]) -> list[bool]:
        return DirectWriter(self._ledger).write_all(admitted)
