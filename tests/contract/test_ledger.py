"""The same tests on the fake ledger and on the real one in MariaDB or MySQL."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.domain.coupon import CouponAccepted
from handlers.domain.coupon_codes import CouponCodes
from handlers.domain.record import DecodedRecord, FailedEvent, Reason, Record
from handlers.domain.settlement import SettledAs, Settlement
from tests.contract.ledger_backends import Backend, FakeBackend, MySqlBackend
from tests.support.fakes import NOW_MS, record
from tests.support.service import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

QUANTITY = 100


class LedgerContract:
    """What every implementation of a ledger promises."""

    @pytest.fixture
    def created(self, backend: Backend, campaign_id: str) -> str:
        backend.create(campaign_id, QUANTITY)
        return campaign_id

    def accepted(self, campaign_id: str, user: str, serial: int, offset: int = 0) -> DecodedRecord:
        coupon = CouponAccepted(campaign_id, user, serial, NOW_MS)
        return DecodedRecord(coupon, lambda: record(coupon.encode(), offset))

    def reason_of(self, backend: Backend, *accepted: DecodedRecord) -> list[str]:
        """Write a batch; return the reasons of the coupons that were not stored."""
        backend.ledger.write(accepted, [])
        return [reason for reason, _ in backend.failures().values()]

    def test_a_batch_is_stored_and_may_be_settled(self, backend: Backend, created: str) -> None:
        batch = [self.accepted(created, f"user-{n}", n, n) for n in (3, 1, 2)]
        settlements = backend.ledger.write(batch, [])
        assert backend.coupons(created) == {"user-1": 1, "user-2": 2, "user-3": 3}
        assert set(settlements) == {
            Settlement(created, f"user-{n}", n, SettledAs.COUPON) for n in (1, 2, 3)
        }
        assert backend.failures() == {}

    def test_the_same_batch_again_changes_nothing_and_settles_the_same(
        self, backend: Backend, created: str
    ) -> None:
        batch = [
            self.accepted(created, "user-1", 1, 1),
            self.accepted(created, "user-2", 1, 2),
            self.accepted(created, "user-3", QUANTITY + 1, 3),
        ]
        poison = [FailedEvent(record(b"\xff", 4), Reason.UNDECODABLE, "no JSON")]
        first = backend.ledger.write(batch, poison)
        state = backend.coupons(created), backend.failures()
        for _ in range(2):
            assert sorted(map(repr, backend.ledger.write(batch, poison))) == sorted(
                map(repr, first)
            )
            assert (backend.coupons(created), backend.failures()) == state
        assert len(state[1]) == 3

    def test_the_same_record_twice_in_a_batch_is_one_coupon(
        self, backend: Backend, created: str
    ) -> None:
        batch = [self.accepted(created, "user-1", 1, offset) for offset in (1, 2)]
        assert self.reason_of(backend, *batch) == []
        assert backend.coupons(created) == {"user-1": 1}

    @pytest.mark.parametrize("serial", [1, QUANTITY])
    def test_the_first_and_the_last_serial_are_stored(
        self, backend: Backend, created: str, serial: int
    ) -> None:
        assert self.reason_of(backend, self.accepted(created, "user-1", serial)) == []
        assert backend.coupons(created) == {"user-1": serial}

    @pytest.mark.parametrize(
        "serial", [0, -1, QUANTITY + 1, 10_000_000, 10_000_001, 2**63, -(2**70), 10**400]
    )
    def test_a_serial_outside_of_the_quantity_is_refused(
        self, backend: Backend, created: str, serial: int
    ) -> None:
        batch = [
            self.accepted(created, "user-1", serial, 1),
            self.accepted(created, "user-2", 2, 2),
        ]
        assert self.reason_of(backend, *batch) == ["SERIAL_OUT_OF_RANGE"]
        assert backend.coupons(created) == {"user-2": 2}

    def test_a_serial_that_another_has_is_refused(self, backend: Backend, created: str) -> None:
        backend.ledger.write([self.accepted(created, "user-1", 1, 1)], [])
        assert self.reason_of(backend, self.accepted(created, "user-2", 1, 2)) == ["SERIAL_TAKEN"]
        assert backend.coupons(created) == {"user-1": 1}

    def test_of_two_with_one_serial_in_a_batch_one_gets_it(
        self, backend: Backend, created: str
    ) -> None:
        batch = [self.accepted(created, f"user-{n}", 1, n) for n in (1, 2)]
        assert self.reason_of(backend, *batch) == ["SERIAL_TAKEN"]
        assert list(backend.coupons(created).values()) == [1]

    def test_a_second_serial_for_one_user_is_refused(self, backend: Backend, created: str) -> None:
        backend.ledger.write([self.accepted(created, "user-1", 1, 1)], [])
        second = self.accepted(created, "user-1", 2, 2)
        assert self.reason_of(backend, second) == ["USER_HAS_OTHER_SERIAL"]
        assert backend.coupons(created) == {"user-1": 1}

    def test_a_user_with_another_serial_who_claims_a_taken_one_gets_the_first(
        self, backend: Backend, created: str
    ) -> None:
        backend.ledger.write([self.accepted(created, f"user-{n}", n, n) for n in (1, 2)], [])
        second = self.accepted(created, "user-1", 2, 3)
        assert self.reason_of(backend, second) == ["USER_HAS_OTHER_SERIAL"]

    def test_a_campaign_that_mysql_does_not_know_is_refused(
        self, backend: Backend, campaign_id: str
    ) -> None:
        one = self.accepted(campaign_id, "user-1", 1)
        assert self.reason_of(backend, one) == ["CAMPAIGN_UNKNOWN"]

    def test_a_refused_coupon_is_settled_as_a_failed_event_with_bytes_and_owner(
        self, backend: Backend, created: str
    ) -> None:
        refused = self.accepted(created, "user-1", QUANTITY + 1, 7)
        assert backend.ledger.write([refused], []) == [
            Settlement(created, "user-1", QUANTITY + 1, SettledAs.FAILED_EVENT)
        ]
        assert backend.failures() == {
            ("coupon_create", 0, 7): ("SERIAL_OUT_OF_RANGE", refused.record.value)
        }

    @pytest.mark.parametrize("value", [None, b"", b"\x00\xff\xfe", b"x" * 100_000])
    def test_an_unreadable_record_is_stored_byte_for_byte(
        self, backend: Backend, value: bytes | None
    ) -> None:
        event = FailedEvent(record(value, 3, 5), Reason.UNDECODABLE, "쿠폰 " * 500)
        assert backend.ledger.write([], [event]) == []
        assert backend.failures() == {("coupon_create", 5, 3): ("UNDECODABLE", value)}

    def test_a_record_of_a_recreated_topic_does_not_replace_the_old_one(
        self, backend: Backend
    ) -> None:
        old = FailedEvent(record(b"old", 3), Reason.UNDECODABLE, "")
        again = Record("coupon_create", 0, 3, NOW_MS + 1, None, b"new")
        for event in (old, FailedEvent(again, Reason.UNDECODABLE, "")) * 2:
            backend.ledger.write([], [event])
        assert sorted(raw or b"" for _, raw in backend.failures().values()) == [b"new", b"old"]

    def test_users_and_campaigns_are_compared_byte_by_byte(
        self, backend: Backend, created: str
    ) -> None:
        users = ["a", "A", "a'", 'a"', "a\\", "a%s", "a~"]
        batch = [self.accepted(created, user, n, n) for n, user in enumerate(users, 1)]
        assert self.reason_of(backend, *batch) == []
        assert backend.coupons(created) == {user: n for n, user in enumerate(users, 1)}

    def test_several_campaigns_go_in_one_batch(self, backend: Backend, created: str) -> None:
        backend.create(f"{created}-2", 1)
        batch = [
            self.accepted(f"{created}-2", "user-1", 1, 1),
            self.accepted(created, "user-1", 1, 2),
            self.accepted(f"{created}-2", "user-2", 2, 3),
        ]
        assert self.reason_of(backend, *batch) == ["SERIAL_OUT_OF_RANGE"]
        assert backend.coupons(created) == backend.coupons(f"{created}-2") == {"user-1": 1}

    def test_an_empty_batch_is_nothing(self, backend: Backend) -> None:
        assert backend.ledger.write([], []) == []


class TestOnTheFake(LedgerContract):
    @pytest.fixture
    def backend(self) -> FakeBackend:
        return FakeBackend()


class TestOnMySql(LedgerContract):
    @pytest.fixture
    def backend(self, clean: Settings) -> Iterator[MySqlBackend]:
        with closing(MySqlBackend(clean)) as made:
            yield made

    def test_a_coupon_has_its_owners_code_and_its_time(
        self, backend: MySqlBackend, created: str
    ) -> None:
        backend.ledger.write([self.accepted(created, "user-1", 1)], [])
        statement = "SELECT code, admitted_at FROM coupon WHERE campaign_id = %s"
        [(code, admitted_at)] = rows(backend.settings, statement, created)
        secret = backend.settings.coupon_code_secret.encode()
        assert [code] == CouponCodes(secret).of([(created, "user-1")])
        assert admitted_at.isoformat(timespec="milliseconds") == "2026-11-22T03:00:00.123"

    def test_why_a_coupon_was_refused_can_be_read(
        self, backend: MySqlBackend, created: str
    ) -> None:
        backend.ledger.write([self.accepted(created, "user-1", QUANTITY + 1)], [])
        statement = "SELECT campaign_id, user_id, detail, status, record_key FROM failed_event"
        detail = f"serial {QUANTITY + 1} of {QUANTITY}"
        assert rows(backend.settings, statement) == [(created, "user-1", detail, "PENDING", b"key")]

    def test_another_user_whose_code_collides_is_refused_and_stored(
        self, backend: MySqlBackend, created: str
    ) -> None:
        backend.ledger.write([self.accepted(created, "user-1", 1, 1)], [])
        secret = backend.settings.coupon_code_secret.encode()
        with closing(backend.database):
            backend.database.run(
                lambda cursor: cursor.execute(
                    "UPDATE coupon SET code = %s WHERE campaign_id = %s",
                    (*CouponCodes(secret).of([(created, "user-2")]), created),
                )
            )
        before = rows(backend.settings, "SELECT * FROM coupon")
        collided = self.accepted(created, "user-2", 2, 2)
        assert self.reason_of(backend, collided) == ["NOT_INSERTED"]
        assert rows(backend.settings, "SELECT * FROM coupon") == before

    def test_the_largest_batch_is_written(self, backend: MySqlBackend, campaign_id: str) -> None:
        backend.create(campaign_id, 10_000)
        batch = [self.accepted(campaign_id, f"user-{n}", n, n) for n in range(1, 10_001)]
        backend.ledger.write(batch, [])
        assert backend.coupons(campaign_id) == {f"user-{n}": n for n in range(1, 10_001)}
