"""The parts of a batch: the order of decoding, writing and settling, and what a failure leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handlers import consume, wiring
from handlers.consume import consume_handler
from handlers.domain.errors import UnavailableError
from handlers.domain.record import Reason
from handlers.edge.events import kafka
from tests.support.fake_campaign import FakeCampaign
from tests.support.fakes import NOW_MS, FakeLedger
from tests.support.service import kafka_event, message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from handlers.domain.record import DecodedRecord, FailedEvent
    from handlers.domain.settlement import Settlement
    from tests.unit.conftest import Fakes, LogLines

DONE: dict[str, Any] = {"batchItemFailures": []}
USERS = 7
PART = 3


class Steps(FakeLedger):
    """A ledger that notes what happens in which order, and may go away before a part."""

    def __init__(self) -> None:
        super().__init__({"welcome": 100})
        self.steps: list[tuple[str, list[int]]] = []
        self.parts = 0
        self.lost_before_part = 100
        self.calls_meanwhile = 1

    def prepare(self, accepted: Sequence[DecodedRecord]) -> Sequence[DecodedRecord]:
        if accepted:
            self.steps.append(("prepared", [one.coupon.serial for one in accepted]))
        return accepted

    def write(
        self,
        accepted: Sequence[DecodedRecord],
        failed: Sequence[FailedEvent],
        meanwhile: Callable[[], object] | None = None,
    ) -> list[Settlement]:
        self.parts += 1
        if self.parts >= self.lost_before_part:
            raise UnavailableError
        self.steps.append(("sent", [one.coupon.serial for one in accepted]))
        for _ in range(self.calls_meanwhile):
            assert meanwhile
            meanwhile()
        written = super().write(accepted, failed)
        self.steps.append(("committed", [one.coupon.serial for one in accepted]))
        return written


@pytest.fixture
def ledger(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    monkeypatch.setattr(consume, "PART_RECORDS", PART)
    made = Steps()
    campaign = fakes.admissions.campaigns.setdefault("welcome", FakeCampaign(100, 0, NOW_MS))
    for serial in range(1, USERS + 1):
        campaign.serials[f"user-{serial}"] = campaign.count = serial
        campaign.pending[f"user-{serial}"] = NOW_MS
    settle = fakes.admissions.settle

    def noted(settlements: Iterable[Settlement]) -> None:
        settlements = list(settlements)
        made.steps.append(("settled", [one.serial for one in settlements]))
        settle(settlements)

    monkeypatch.setattr(fakes.admissions, "settle", noted)
    with wiring.override(wiring.ledger, made):
        yield made


def event(*values: Any) -> dict[str, Any]:
    """Return a batch of all users, or of these values."""
    users = [message("welcome", f"user-{n}", n) for n in range(1, USERS + 1)]
    return kafka_event([*(values or users)])


def pending(fakes: Fakes) -> set[str]:
    return set(fakes.admissions.campaigns["welcome"].pending)


def test_while_a_part_is_written_the_next_is_prepared_and_the_one_before_is_settled(
    fakes: Fakes, ledger: Steps
) -> None:
    assert consume_handler(event(), None) == DONE
    assert ledger.steps == [
        ("prepared", [1]),
        ("sent", [1]),
        ("prepared", [2, 3, 4]),
        ("committed", [1]),
        ("sent", [2, 3, 4]),
        ("prepared", [5, 6, 7]),
        ("settled", [1]),
        ("committed", [2, 3, 4]),
        ("sent", [5, 6, 7]),
        ("settled", [2, 3, 4]),
        ("committed", [5, 6, 7]),
        ("settled", [5, 6, 7]),
    ]
    assert not pending(fakes)


def test_a_transaction_that_is_repeated_prepares_and_settles_nothing_twice(ledger: Steps) -> None:
    ledger.calls_meanwhile = 3
    assert consume_handler(event(), None) == DONE
    for step in ("prepared", "settled"):
        serials = [one for name, part in ledger.steps for one in part if name == step]
        assert serials == list(range(1, USERS + 1))


def test_where_mysql_had_nothing_to_wait_for_the_next_part_is_prepared_all_the_same(
    fakes: Fakes, ledger: Steps
) -> None:
    ledger.calls_meanwhile = 0
    assert consume_handler(event(), None) == DONE
    assert set(ledger.coupons.values()) == set(range(1, USERS + 1))
    assert not pending(fakes)


def test_nothing_is_settled_before_it_is_committed(ledger: Steps) -> None:
    consume_handler(event(), None)
    committed: set[int] = set()
    for name, serials in ledger.steps:
        if name == "committed":
            committed |= set(serials)
        assert name != "settled" or set(serials) <= committed


def test_with_mysql_lost_between_two_parts_nothing_is_acknowledged_and_all_is_written_later(
    fakes: Fakes, ledger: Steps
) -> None:
    ledger.lost_before_part = 3
    with pytest.raises(UnavailableError):
        consume_handler(event(), None)
    assert set(ledger.coupons.values()) == {1, 2, 3, 4}
    assert "user-7" in pending(fakes)
    ledger.lost_before_part = 100
    assert consume_handler(event(), None) == DONE
    assert ledger.coupons == {("welcome", f"user-{n}"): n for n in range(1, USERS + 1)}
    assert not pending(fakes)


def test_a_redis_that_is_down_is_waited_for_once_within_transactions_and_once_after_them(
    fakes: Fakes, ledger: Steps, logged: LogLines
) -> None:
    fakes.admissions.reachable = False
    assert consume_handler(event(), None) == DONE
    asked = [serials for name, serials in ledger.steps if name == "settled"]
    assert asked == [[1], list(range(1, USERS + 1))]
    [warning, _] = logged.lines
    assert (warning["message"], warning["coupons"]) == ("written but not settled", USERS)


def test_a_poison_record_concerns_its_own_part_only(ledger: Steps) -> None:
    users = [message("welcome", f"user-{n}", n) for n in range(1, USERS + 1)]
    assert consume_handler(event(*users[:4], b"poison", *users[4:]), None) == DONE
    assert set(ledger.coupons.values()) == set(range(1, USERS + 1))
    [stored] = ledger.failures.values()
    assert (stored.reason, stored.record.offset) == (Reason.UNDECODABLE, 4)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_parts_are_the_batch_in_its_order(size: int) -> None:
    batch = event(message("welcome", "a", 1), b"poison", message("welcome", "b", 2), None)
    whole, parts = kafka.decode(batch), list(kafka.in_parts(batch, size))
    assert [one.coupon for part in parts for one in part.accepted] == [
        one.coupon for one in whole.accepted
    ]
    assert [one for part in parts for one in part.failed] == whole.failed
    assert all(len(part.accepted) + len(part.failed) <= size for part in parts)
