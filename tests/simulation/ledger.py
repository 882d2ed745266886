"""The product's ledger, whose MySQL may refuse a user's rows for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql

from handlers.adapters.mysql import ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.record import DecodedRecord, FailedEvent


class Ledger(ledger.Ledger):
    """refused: users whose rows MySQL refuses, as it refuses a value that does not fit."""

    def __init__(self, database: Database, code_secret: str) -> None:
        super().__init__(database, code_secret)
        self.refused: set[str] = set()

    def insert(
        self, cursor: Cursor, accepted: Sequence[DecodedRecord]
    ) -> dict[DecodedRecord, FailedEvent]:
        if any(one.coupon.user_id in self.refused for one in accepted):
            raise pymysql.DataError(1406, "simulated")
        return super().insert(cursor, accepted)
