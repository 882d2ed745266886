"""Builds each client once per process, when it is first needed; handlers/wiring.py names them."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_built: dict[str, object] = {}
_MISSING = object()
_lock = RLock()


def once(build: Callable[[], T]) -> Callable[[], T]:
    """Call `build` once per process, also when many threads ask first at the same time."""
    name = build.__name__

    @wraps(build)
    def get() -> T:
        try:
            return _built[name]  # type: ignore[return-value]
        except KeyError:
            with _lock:
                if name not in _built:
                    _built[name] = build()
                return _built[name]  # type: ignore[return-value]

    return get


@contextmanager
def override(get: Callable[[], object], client: object) -> Iterator[None]:
    """Let `get` return `client` for the block; for tests and benchmarks.

    Clients that were built on it within the block outlive it: end them with reset().
    """
    name = get.__name__
    with _lock:
        before = _built.get(name, _MISSING)
        _built[name] = client
    try:
        yield
    finally:
        with _lock:
            # reset() has removed and closed everything: then nothing is put back.
            if _built.get(name) is client:
                del _built[name]
                if before is not _MISSING:
                    _built[name] = before


def reset() -> None:
    """Close and forget every client, so that the next call reads the settings again."""
    with _lock:
        clients = list(_built.values())
        _built.clear()
    for client in clients:
        close = getattr(client, "close", None)
        if close:
            close()
