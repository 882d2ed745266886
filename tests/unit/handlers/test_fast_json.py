"""handlers/fast_json.py: json.dumps, to the letter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import fast_json as json_text

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
names = st.text(max_size=5) | st.integers() | st.booleans() | st.none()
values = st.recursive(
    scalars,
    lambda some: (
        st.lists(some, max_size=4)
        | st.dictionaries(names, some, max_size=4)
        | st.tuples(some, some)
    ),
    max_leaves=12,
)
WAYS = (
    (json_text.encoder(), json.dumps),
    (json_text.encoder(compact=True), partial(json.dumps, separators=(",", ":"))),
    (json_text.encoder(default=str), partial(json.dumps, default=str)),
)


@pytest.mark.parametrize(("ours", "librarys"), WAYS)
@given(value=values)
def test_it_writes_what_json_dumps_writes(ours: Any, librarys: Any, value: Any) -> None:
    assert ours(value) == librarys(value)
    assert ours(["é", "\ud800", value]) == librarys(["é", "\ud800", value])


def test_what_json_does_not_have_goes_through_default_or_is_refused() -> None:
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    assert json_text.encoder(default=str)({"at": moment}) == json.dumps({"at": str(moment)})
    with pytest.raises(TypeError, match="datetime is not JSON serializable"):
        json_text.encoder()({"at": moment})


def test_what_contains_itself_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(RecursionError):
        json_text.encoder()(ring)


def test_a_python_without_the_encoder_in_c_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("json.encoder.c_make_encoder", None)
    assert json_text.encoder(compact=True)({"a": [1, "é"]}) == '{"a":[1,"\\u00e9"]}'
