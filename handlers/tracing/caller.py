"""What a caller says about its own trace: hints from outside, to be linked to at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.tracing.place import HEADER, Place, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def callers_of(event: Mapping[str, Any]) -> tuple[Place, ...]:
    """Return the caller's span. An event may be forged, so nothing of it is sure to be there."""
    several, single = event.get("multiValueHeaders"), event.get("headers")
    if isinstance(several, dict):
        found = [values for name, values in several.items() if _is_header(name)]
        return linked(found[0]) if len(found) == 1 and isinstance(found[0], list) else ()
    if isinstance(single, dict):
        return linked([value for name, value in single.items() if _is_header(name)])
    return ()


def linked(traceparents: Sequence[object]) -> tuple[Place, ...]:
    """Return what a `traceparent` names; nothing where it comes more than once."""
    if len(traceparents) != 1 or not isinstance(traceparents[0], str):
        return ()
    place = parse(traceparents[0])
    return (place,) if place else ()


def _is_header(name: object) -> bool:
    return isinstance(name, str) and name.lower() == HEADER
