"""Puts the playground's files into one HTML file, which needs no server and no network."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = "play.html"
STAGES = range(4, 10)  # that it plays
REPORT = "index.html"
# Each after those that it imports.
MODULES = (
    "servers",
    "seonchak",
    "stages",
    "writes",
    "protocol",
    "promises",
    "examples",
    "texts",
    "draw",
    "view",
)
# What needs no page.
PROTOCOL = MODULES[: MODULES.index("examples") + 1]

IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:const|class|function\*?) (\w+))", re.MULTILINE)


class ModuleOrderError(Exception):
    """A module imports another one that does not come before it."""


def page(*, has_report: bool = False) -> str:
    """Return the playground as HTML; with a link where the lab's report is beside it."""
    html = (FOLDER / "page.html").read_text(encoding="utf-8")
    css = (FOLDER / "play.css").read_text(encoding="utf-8")
    link = f'<a id="report" data-text="report" href="{REPORT}"></a>' if has_report else ""
    html = html.replace("<!-- report -->", link)
    return html.replace("/* play.css */", css).replace("// modules", inlined(MODULES))


def write_page(folder: Path) -> Path:
    """Write the playground into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PAGE
    path.write_text(page(has_report=(folder / REPORT).exists()), encoding="utf-8")
    return path


def inlined(names: tuple[str, ...]) -> str:
    """Return modules as one script: a page that is opened as a file may import no other file."""
    known: set[str] = set()
    return "\n".join(_scoped(name, known) for name in names)


def _scoped(name: str, known: set[str]) -> str:
    """Return a module as a function of its own, whose exports are constants outside."""
    source = (FOLDER / f"{name}.js").read_text(encoding="utf-8")
    if missing := set(IMPORT.findall(source)) - known:
        message = f"{name}.js imports {', '.join(sorted(missing))}, which must come before it"
        raise ModuleOrderError(message)
    known.add(name)
    names = ", ".join(EXPORT.findall(source))
    body = EXPORT.sub("", IMPORT.sub("", source))
    head = f"const {{ {names} }} = " if names else ""
    return f"{head}(() => {{\n{body}\nreturn {{ {names} }};\n}})();\n"
