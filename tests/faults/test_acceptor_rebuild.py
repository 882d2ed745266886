"""The acceptor names the guard of a rebuild that the model does not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.journals import rejected

if TYPE_CHECKING:
    from tests.faults.journals import Story


def test_a_rebuild_that_begins_before_its_fence_is_in_mysql_is_rejected(story: Story) -> None:
    story.begins(2)
    rejected(story, "FENCE_FIRST")


def test_the_older_of_two_rebuilds_may_neither_begin_nor_store_its_end(story: Story) -> None:
    story.raises_fence(2)
    story.raises_fence(3)
    story.begins(3)
    story.begins(2)
    rejected(story, "MAY_BEGIN")
    story.stores_end(2, 0)
    assert any("MAY_STORE" in why for _, why in story.verdict().rejected)


def test_a_rebuild_that_opens_without_a_row_is_rejected(story: Story) -> None:
    story.issues("ann", 1)
    story.is_emptied()
    story.rebuilds(2, {}, end=1)
    rejected(story, "unite", "the row of ann, 1")


def test_a_rebuild_that_opens_without_a_record_before_its_end_is_rejected(story: Story) -> None:
    story.admits("ann", 1)
    story.sends("ann", 1, fence=1)
    story.is_emptied()
    story.rebuilds(2, {}, end=1)
    rejected(story, "unite", "the record of ann, 1")


def test_a_rebuild_that_opens_a_redis_emptied_meanwhile_is_rejected(story: Story) -> None:
    story.raises_fence(2)
    story.begins(2)
    story.stores_end(2, 0)
    story.is_emptied()
    story.opens(2)
    rejected(story, "HAS_IT")


def test_a_rebuild_that_restores_what_an_earlier_one_has_missed_is_rejected(story: Story) -> None:
    story.admits("ann", 1)
    story.is_emptied()
    story.rebuilds(2, {}, end=0)
    story.sends("ann", 1, fence=1)
    story.raises_fence(3)
    story.begins(3)
    story.loads(3, "ann", 1, pending=True)
    rejected(story, "put_back", "rebuild/load")


def test_a_rebuild_that_gives_back_a_serial_above_the_count_is_rejected(story: Story) -> None:
    story.raises_fence(2)
    story.begins(2)
    story.returns(2, 1)
    rejected(story, "return_gaps")
