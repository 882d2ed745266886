"""Ledgers on dictionaries and on MySQL, and what is stored in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import Database
from handlers.adapters.mysql.ledger import Ledger
from handlers.adapters.mysql.queries import MySqlQueries
from handlers.domain.campaign import Campaign
from tests.support.fakes import NOW_MS, FakeLedger
from tests.support.service import rows

if TYPE_CHECKING:
    from handlers.config import Settings


class Backend(ABC):
    """A ledger, and what is stored in it."""

    ledger: Ledger | FakeLedger

    @abstractmethod
    def create(self, campaign_id: str, quantity: int) -> None:
        """Create a campaign."""

    @abstractmethod
    def coupons(self, campaign_id: str) -> dict[str, int]:
        """Return the serial of each owner."""

    @abstractmethod
    def failures(self) -> dict[tuple[str, int, int], tuple[str, bytes | None]]:
        """Return reason and payload by topic, partition and offset."""


class FakeBackend(Backend):
    """Dictionaries."""

    def __init__(self) -> None:
        self.ledger: FakeLedger = FakeLedger()

    def create(self, campaign_id: str, quantity: int) -> None:
        self.ledger.quantities[campaign_id] = quantity

    def coupons(self, campaign_id: str) -> dict[str, int]:
        found = self.ledger.coupons.items()
        return {user: serial for (campaign, user), serial in found if campaign == campaign_id}

    def failures(self) -> dict[tuple[str, int, int], tuple[str, bytes | None]]:
        found = self.ledger.failures.items()
        return {position: (event.reason.value, event.record.value) for position, event in found}


class MySqlBackend(Backend):
    """Real tables."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        assert settings.database_address
        address = settings.database_address
        self.database = Database(lambda: address)
        self.ledger: Ledger = Ledger(self.database, settings.coupon_code_secret)

    def close(self) -> None:
        self.database.close()

    def create(self, campaign_id: str, quantity: int) -> None:
        campaign = Campaign(campaign_id, "Contract", quantity, NOW_MS, NOW_MS + 1)
        MySqlQueries(self.database).create_campaign(campaign)

    def coupons(self, campaign_id: str) -> dict[str, int]:
        statement = "SELECT user_id, serial FROM coupon WHERE campaign_id = %s"
        return dict(rows(self.settings, statement, campaign_id))

    def failures(self) -> dict[tuple[str, int, int], tuple[str, bytes | None]]:
        statement = "SELECT topic, partition_no, offset_no, reason, payload FROM failed_event"
        found: list[Any] = rows(self.settings, statement)
        return {(topic, part, offset): (reason, raw) for topic, part, offset, reason, raw in found}
