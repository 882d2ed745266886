"""handlers/routes.py: a table of names, each of which leads to a function."""

from __future__ import annotations

import subprocess
import sys

import pytest

from handlers.routes import ROUTES, Route
from tests.support.paths import ROOT

FUNCTIONS = {
    name
    for route in ROUTES
    for name in (route.handler_name, route.fast_path_name, route.batch_handler_name)
    if name
}
IMPORTED = """
import sys
from handlers.routes import ROUTES, load
before = {name for name in sys.modules if name.startswith("handlers.")}
assert ROUTES[0].handler.__name__ == "apply_handler"
after_apply = {name for name in sys.modules if name.startswith("handlers.")}
load()
print(*before, "|", *(after_apply - before), "|", *sys.modules)
"""


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_each_name_of_the_table_leads_to_the_function_of_that_name(name: str) -> None:
    route = next(
        route
        for route in ROUTES
        if name in {route.handler_name, route.fast_path_name, route.batch_handler_name}
    )
    found = {route.handler, route.fast_path, route.batch_handler}
    module, _, function = name.rpartition(".")
    assert (f"handlers.{module}", function) in {
        (one.__module__, one.__name__) for one in found if one
    }


def test_a_name_that_leads_nowhere_is_an_error_and_no_missing_route() -> None:
    with pytest.raises(AttributeError, match="no_such_handler"):
        _ = Route("GET", "/", "apply.no_such_handler").handler
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = Route("GET", "/", "no_such_module.handler").handler


def test_a_route_without_a_fast_path_or_batches_has_none() -> None:
    route = Route("GET", "/health", "health.health_handler")
    assert (route.fast_path, route.batch_handler) == (None, None)


def test_the_table_imports_no_handler_and_a_handler_imports_not_the_others() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True, cwd=ROOT
    )
    before, apply, everything = (set(part.split()) for part in done.stdout.split("|"))
    handlers = {f"handlers.{name.rpartition('.')[0]}" for name in FUNCTIONS}
    assert before & handlers == set()
    assert apply & handlers == {"handlers.apply"}
    assert handlers <= everything
