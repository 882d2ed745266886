"""The place of an event in the list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.errors import InvalidRequestError
from handlers.domain.event_position import CHANGED, FIRST, ISSUED, NUMBER_MAX, EventPosition
from handlers.domain.times import LATEST_MS

POSITIONS = st.builds(
    EventPosition,
    st.integers(0, LATEST_MS),
    st.integers(ISSUED, CHANGED),
    st.integers(0, NUMBER_MAX),
)


@given(POSITIONS)
def test_its_text_gives_it_back(position: EventPosition) -> None:
    assert EventPosition.parse(str(position)) == position


@given(st.text() | st.from_regex(r"[A-Za-z0-9_=-]{1,64}", fullmatch=True))
def test_any_other_text_is_refused(text: str) -> None:
    try:
        position = EventPosition.parse(text)
    except InvalidRequestError as error:
        assert str(error).startswith("after:")  # noqa: PT017 - a text of its own is accepted
    else:
        assert str(position) == text


@given(POSITIONS, POSITIONS)
def test_the_rows_behind_it_are_those_that_compare_higher(
    position: EventPosition, row: EventPosition
) -> None:
    same_moment = row._replace(at_ms=position.at_ms)
    if same_moment.number:  # serials and ids begin with 1
        is_behind = same_moment.number > position.number_of(same_moment.source)
        assert is_behind == (same_moment > position)


def test_the_first_one_is_before_every_event() -> None:
    assert EventPosition(0, ISSUED, 1) > FIRST


@pytest.mark.parametrize("number", [2**63, 10**19 - 1])
def test_a_number_that_no_column_holds_is_refused(number: int) -> None:
    with pytest.raises(InvalidRequestError):
        EventPosition.parse(str(EventPosition(1, ISSUED, number)))
