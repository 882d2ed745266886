"""The table of values in the chart's README, made of values.yaml and values.schema.json.

`python -m infra.helm.table` writes it; with `--check` it only says whether it is current.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHART = Path(__file__).with_name("seonchak")
README = CHART / "README.md"
BEGIN, END = "<!-- values: make test-helm compares -->", "<!-- end of values -->"
EXIT_OLD = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0, or 1 when --check finds an old table."""
    parser = argparse.ArgumentParser(prog="python -m infra.helm.table", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    old, new = README.read_text("utf-8"), current()
    if options.check:
        if old != new:
            print("the table is old: python -m infra.helm.table", file=sys.stderr)
        return EXIT_OLD if old != new else 0
    README.write_text(new, encoding="utf-8")
    return 0


def current() -> str:
    """Return the README with the table as it must be."""
    text = README.read_text("utf-8")
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    table = "\n".join([BEGIN, "", "| value | default | meaning |", "| --- | --- | --- |", *rows()])
    return between.sub(lambda _: f"{table}\n\n{END}", text)


def rows() -> list[str]:
    """Return a row for each value, in the schema's order."""
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    return [
        f"| `{'.'.join(path)}` | {_default(values, path)} | {_meaning(part)} |"
        for path, part in described(schema)
        if path != ("global",)
    ]


def described(
    part: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield each value that the schema describes; what an object has inside is in its own words."""
    for name, inner in part.get("properties", {}).items():
        if "description" in inner:
            yield (*path, name), inner
        else:
            yield from described(inner, (*path, name))


def _default(values: Any, path: Sequence[str]) -> str:
    for name in path:
        values = values[name]
    return "empty" if values in ("", [], {}) else f"`{json.dumps(values)}`"


def _meaning(part: Mapping[str, Any]) -> str:
    words: list[str] = []
    if "enum" in part:
        words = ["one of " + ", ".join(f"`{word}`" for word in part["enum"])]
    elif "minimum" in part:
        upper = f" to {part['maximum']:,}" if "maximum" in part else " or more"
        words = [f"{part['minimum']:,}{upper}"]
    return "; ".join([part["description"], *words])


if __name__ == "__main__":
    sys.exit(main())
