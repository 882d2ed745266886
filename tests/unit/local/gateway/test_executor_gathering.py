"""local/gateway/executor.py: how long a batch gathers requests before it begins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.support.stepped_executor import A_LONG_WAIT_S, busy_executor, stepped_executor

if TYPE_CHECKING:
    import pytest


def test_while_enough_groups_are_at_work_the_others_gather_although_threads_are_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> str:
        async with busy_executor(threads=8, max_batch=64) as executor:
            executor.submit("c")
            await asyncio.sleep(0)
            executor.submit("d")
            executor.release()
            return await executor.next_batch()

    assert asyncio.run(scenario()) == "cd"


def test_while_one_group_is_at_work_the_next_waits_until_it_is_as_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> list[str]:
        async with stepped_executor(threads=8, max_batch=64) as executor:
            executor.submit("abc")
            begun = [await executor.next_batch()]
            executor.submit("d")
            executor.submit("e")
            await asyncio.sleep(0)
            assert executor.begun.empty()
            executor.submit("f")
            begun.append(await executor.next_batch())
            return begun

    assert asyncio.run(scenario()) == ["abc", "def"]


def test_a_smaller_group_begins_when_the_one_at_work_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> str:
        async with stepped_executor(threads=8, max_batch=64) as executor:
            executor.submit("abc")
            await executor.next_batch()
            executor.submit("d")
            executor.release()
            return await executor.next_batch()

    assert asyncio.run(scenario()) == "d"


def test_with_none_at_work_a_group_that_stays_smaller_than_the_last_begins_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> list[str]:
        async with stepped_executor(threads=8, max_batch=64) as executor:
            executor.release(3)
            executor.submit("abc")
            await executor.responses()
            for letter in "de":
                executor.submit(letter)
                await executor.responses()
            return [await executor.next_batch() for _ in range(3)]

    assert asyncio.run(scenario()) == ["abc", "d", "e"]


def test_a_group_that_is_full_begins_on_a_free_thread_however_many_are_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> list[str]:
        async with busy_executor(threads=8, max_batch=2) as executor:
            executor.submit("cdefg")
            return sorted([await executor.next_batch(), await executor.next_batch()])

    assert asyncio.run(scenario()) == ["cd", "ef"]


def test_a_request_that_has_waited_gets_a_free_thread_although_others_are_held_up() -> None:
    async def scenario() -> list[str]:
        async with busy_executor(threads=4, max_batch=64) as executor:
            begun = []
            for letter in "cd":  # no batch is released
                executor.submit(letter)
                begun.append(await executor.next_batch())
        return begun

    assert asyncio.run(scenario()) == ["c", "d"]
