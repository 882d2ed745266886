"""local/gateway/aggregated_log.py: counts, not one line for each event."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from local.gateway import aggregated_log
from local.gateway.aggregated_log import AggregatedLog
from tests.support.log_lines import log_of

if TYPE_CHECKING:
    import pytest


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = log_of(capsys)
    for line in lines:
        del line["time"]
    return lines


def test_each_kind_is_counted_and_logged_at_intervals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregated_log, "INTERVAL_S", 0)
    about = {"level": "INFO", "message": "refused"}

    async def scenario() -> None:
        tally = AggregatedLog(asyncio.get_running_loop(), "INFO", "refused", ("path", "status"))
        for status in (409, 404, 409):
            tally.count("/a", status)
        assert logged(capsys) == []
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(aggregated_log.INTERVAL_S, later.set)
        await later.wait()
        assert logged(capsys) == [
            {**about, "count": 2, "path": "/a", "status": 409},
            {**about, "count": 1, "path": "/a", "status": 404},
        ]
        tally.write()
        plain = AggregatedLog(asyncio.get_running_loop(), "INFO", "refused")
        plain.count()
        plain.write()
        assert logged(capsys) == [{**about, "count": 1}]
        plain.write()

    asyncio.run(scenario())
    assert logged(capsys) == []
