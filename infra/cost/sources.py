"""Print every price and limit with its source, as in docs/scale.md."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from infra.cost.catalogue import catalogue, regions, sizes

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> int:
    """Print two tables in Markdown; return 0."""
    print("\n".join(prices()), end="\n\n")
    print("\n".join(limits()))
    return 0


def prices() -> Iterator[str]:
    """Yield the table of prices, a row for each region."""
    yield "| price | region | USD | read where | looked up |"
    yield "| --- | --- | ---: | --- | --- |"
    by_region = {region: catalogue(region, sizes()[0]).prices for region in regions()}
    for key in by_region[regions()[0]]:
        for region, table in by_region.items():
            entry = table[key]
            yield (
                f"| {entry.what} | {region} | {entry.value:.10g} | {entry.source} | {entry.seen} |"
            )


def limits() -> Iterator[str]:
    """Yield the table of limits."""
    yield "| limit | | read where | looked up |"
    yield "| --- | ---: | --- | --- |"
    for entry in catalogue(regions()[0], sizes()[0]).limits.values():
        yield f"| {entry.what} | {entry.value:,} | {entry.source} | {entry.seen} |"


if __name__ == "__main__":
    sys.exit(main())
