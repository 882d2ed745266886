"""The route table, compiled once: finds the resource of a path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol

FastPath = Callable[[str, str, str], dict[str, Any] | None]
BatchHandler = Callable[[Sequence[dict[str, Any]]], Iterator[tuple[int, dict[str, Any]]]]

PATHS_CACHED = 256
PERSONAL = "/users/"

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class RouteLike(Protocol):
    """What the table needs from a route: `handlers.routes.Route` is one."""

    @property
    def method(self) -> str:
        """The HTTP method in capitals."""

    @property
    def path(self) -> str:
        """The path template, e.g. `/campaigns/{id}/apply`."""

    @property
    def handler(self) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        """The Lambda handler behind it."""

    @property
    def fast_path(self) -> FastPath | None:
        """A function that may respond without waiting for a server, if the route has one."""

    @property
    def batch_handler(self) -> BatchHandler | None:
        """A function that responds to several calls at once, if the route has one."""

    @property
    def takes_body(self) -> bool:
        """Whether a request may carry a body; the gateway does not read any other."""


@dataclass(frozen=True, slots=True)
class Resource:
    """All methods of one path template, as API Gateway groups them."""

    path: str
    routes: dict[str, RouteLike]

    def route(self, method: str) -> RouteLike | None:
        """Return the route of `method`; HEAD uses the route of GET."""
        return self.routes.get(method) or (self.routes.get("GET") if method == "HEAD" else None)

    @property
    def allow(self) -> str:
        """The value of the Allow header."""
        return ", ".join(sorted(self.routes.keys() | ({"HEAD"} if "GET" in self.routes else set())))


class RouteTable:
    """Matches paths against the templates; a literal path wins over one with parameters."""

    def __init__(self, routes: Iterable[RouteLike]) -> None:
        resources: dict[str, Resource] = {}
        for route in routes:
            methods = resources.setdefault(route.path, Resource(route.path, {})).routes
            if route.method in methods:
                message = f"{route.method} {route.path} is in the table twice"
                raise ValueError(message)
            methods[route.method] = route
        self._literal = {path: resource for path, resource in resources.items() if "{" not in path}
        self._patterns = [
            (_pattern(path).fullmatch, resource)
            for path, resource in resources.items()
            if "{" in path
        ]
        # Users request few paths. The cache is bounded, because a client may request any path.
        self._cached_match = lru_cache(maxsize=PATHS_CACHED)(self._match)

    def match(self, path: str) -> tuple[Resource, Mapping[str, str] | None] | None:
        """Return the resource of a decoded `path` and its path parameters (None: no parameters).

        As on API Gateway, a slash at the end is ignored; every other slash counts.
        """
        # A path that names a user is not remembered.
        return self._match(path) if path.startswith(PERSONAL) else self._cached_match(path)

    def _match(self, path: str) -> tuple[Resource, Mapping[str, str] | None] | None:
        if path.endswith("/") and path not in {"/", "//"}:
            path = path[:-1]
        literal = self._literal.get(path)
        if literal is not None:
            return literal, None
        for fullmatch, resource in self._patterns:
            found = fullmatch(path)
            if found is not None:
                return resource, MappingProxyType(found.groupdict())
        return None


def _pattern(template: str) -> re.Pattern[str]:
    literals_and_names = _PARAMETER.split(template)
    expression = "".join(
        f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part)
        for index, part in enumerate(literals_and_names)
    )
    if any("{" in literal for literal in literals_and_names[::2]):
        message = f"{template} has a path parameter that is not a plain name"
        raise ValueError(message)
    return re.compile(expression)
