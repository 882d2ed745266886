"""fence.py: which records came too late for a rebuild."""

from __future__ import annotations

import pytest

from handlers.domain.fence import FenceOffset, Position, is_late

# Two rebuilds: the first has read up to offset 10, the second up to 20.
OFFSETS = [FenceOffset(2, "coupons", 0, 10), FenceOffset(3, "coupons", 0, 20)]


@pytest.mark.parametrize(
    ("fence", "offset", "late"),
    [
        (1, 9, False),  # the first rebuild has read it
        (1, 10, True),
        (1, 15, True),  # the second one must not take it for one that was read
        (2, 15, False),  # of the time between the two
        (2, 20, True),
        (3, 20, False),  # of the present history
        (0, 99, False),  # of an earlier release
    ],
)
def test_a_record_is_late_behind_the_end_of_any_later_rebuild(
    fence: int, offset: int, *, late: bool
) -> None:
    assert is_late(fence, Position("coupons", 0, offset), OFFSETS) is late


@pytest.mark.parametrize("position", [Position("coupons", 1, 15), Position("other", 0, 15)])
def test_another_partition_has_another_end(position: Position) -> None:
    assert not is_late(1, position, OFFSETS)
