from __future__ import annotations

from typing import TYPE_CHECKING

from lab.stages import stage8_ack

if TYPE_CHECKING:
    import pytest


class ForgetfulRedis:
    """Redis that restarts with an older copy after it has named who is pending."""

    def time(self) -> tuple[int, int]:
        return 1000, 0

    def zrangebyscore(self, key: str, lowest: float, highest: float) -> list[str]:
        assert (key, lowest, highest) == ("pending", 0, 999)
        return ["kim-minji", "lee-minji"]

    def zscore(self, key: str, user_id: str) -> float | None:
        assert key == "applied_user"
        return {"lee-minji": 2.0}.get(user_id)


def test_the_relay_sends_for_those_whom_redis_still_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, float]] = []
    monkeypatch.setattr(stage8_ack, "redis", ForgetfulRedis)
    monkeypatch.setattr(stage8_ack, "send", lambda *coupon: sent.append(coupon))
    stage8_ack.every_second()
    assert sent == [("lee-minji", 2.0)]
