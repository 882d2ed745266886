"""The acceptor has the actions and the guards of the checked model, each under its name there."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.faults.acceptor.judge import ALL_ACTIONS
from tests.faults.acceptor.unseen import UNSEEN
from tests.faults.acceptor.world import MIRRORED

MODEL = Path("tests/model")
ACCEPTOR = Path("tests/faults/acceptor")
STEP = re.compile(r'^(?:inline|proctype) (\w+)|^(init)\b|SAY\("([^"]*?)(?:\\n)?"', re.MULTILINE)
MACRO = re.compile(r"^#define (\w+)", re.MULTILINE)
QUOTED = re.compile(r"``([^`]+)``")
# Of an action as a whole: it is none, or has another effect than the server's.
OF_NO_GUARD = {"effect", "no action"}
UNSEEN_STEPS = {
    (file, name) for files in UNSEEN.values() for file, names in files.items() for name in names
}


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def text_of(file: Path) -> str:
    return one_line(file.read_text())


def steps() -> set[tuple[str, str]]:
    return {
        (file.name, next(filter(None, found.groups())).strip())
        for file in MODEL.glob("*.pml")
        for found in STEP.finditer(file.read_text())
    }


def macros() -> set[tuple[str, str]]:
    found = {file.name: MACRO.findall(file.read_text()) for file in MODEL.glob("*.pml")}
    return {(file, name) for file, names in found.items() for name in names}


def actions() -> list[tuple[str, str]]:
    """Return the module and the name of each action of the acceptor."""
    return sorted(
        (f"{file.parent}.{file.stem}".replace("/", "."), node.name)
        for file in ACCEPTOR.glob("*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name in MIRRORED.values()
    )


def test_each_step_of_the_model_is_an_action_of_the_acceptor_or_is_listed_as_unseen() -> None:
    assert steps() == (set(MIRRORED) - macros()) | UNSEEN_STEPS


def test_each_script_that_redis_runs_has_an_action_that_mirrors_the_model() -> None:
    actions = {action.__name__ for action in ALL_ACTIONS.values()}
    assert actions <= set(MIRRORED.values())


def test_no_step_is_both_judged_and_unseen() -> None:
    assert not set(MIRRORED) & UNSEEN_STEPS


@pytest.mark.parametrize(("module", "name"), actions())
def test_an_action_quotes_what_the_model_says_of_it(module: str, name: str) -> None:
    quoted = QUOTED.findall(getattr(importlib.import_module(module), name).__doc__)
    files = {file for (file, _), action in MIRRORED.items() if action == name}
    model = "".join(text_of(MODEL / file) for file in sorted(files))
    assert quoted
    assert [each for each in quoted if one_line(each) not in model] == []


def test_each_guard_that_a_rejection_names_is_in_the_model() -> None:
    model = "".join(text_of(file) for file in MODEL.glob("*.pml"))
    guards = {
        node.args[1].value
        for file in ACCEPTOR.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "require"
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
        and isinstance(node.args[1].value, str)
    }
    assert {"OPEN", "CONFIRMED", "MAY_WRITE", "HAS_IT"} <= guards
    assert {each for each in guards - OF_NO_GUARD if not re.search(rf"\b{each}\b", model)} == set()


def test_a_step_that_is_added_to_the_model_is_noticed() -> None:
    added = 'inline steal(user) {\n    SAY("user %d: steals\\n", user)\n}'
    found = {next(filter(None, each.groups())) for each in STEP.finditer(added)}
    assert found == {"steal", "user %d: steals"}
