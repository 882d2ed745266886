"""The prices, limits, measurements and assumptions with their sources: prices.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

FILE = Path(__file__).with_name("prices.toml")
FROM_MEMORY = "from memory"


@dataclass(frozen=True, slots=True)
class SourcedValue:
    """One price, limit, measured time or assumption."""

    what: str
    value: float
    source: str
    seen: dt.date | None = None

    @property
    def is_from_memory(self) -> bool:
        """Say whether the value comes from memory, not from a source."""
        return self.source.startswith(FROM_MEMORY)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All values for one region and one size; parameters of the size under their own names."""

    prices: Mapping[str, SourcedValue]
    limits: Mapping[str, SourcedValue]
    measured: Mapping[str, float]
    assumed: Mapping[str, float]
    size: Mapping[str, float]


@cache
def _document() -> dict[str, Any]:
    with FILE.open("rb") as file:
        return tomllib.load(file)


def regions() -> list[str]:
    """Return the regions with known prices; the first is the default."""
    tables = _document()["price"].values()
    return [name for name in next(iter(tables)) if all(_is_price(table, name) for table in tables)]


def sizes() -> list[str]:
    """Return the names of the sizes."""
    return list(_document()["size"])


def catalogue(region: str, size: str) -> Catalogue:
    """Return the values for a region and a size; KeyError for an unknown one."""
    document = _document()
    return Catalogue(
        prices={
            key: SourcedValue(
                table["what"],
                table[region]["usd"],
                table[region]["source"],
                table[region]["seen"],
            )
            for key, table in document["price"].items()
        },
        limits={key: SourcedValue(**table) for key, table in document["limit"].items()},
        measured=_values(document["measured"]),
        assumed=_values(document["assumed"]),
        size=document["size"][size],
    )


def _is_price(table: Mapping[str, Any], name: str) -> bool:
    return isinstance(table.get(name), dict)


def _values(tables: Mapping[str, Any]) -> dict[str, float]:
    return {key: table["value"] for key, table in tables.items()}
