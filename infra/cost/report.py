"""An estimate as a page of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.cost.doors import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.cost.estimate import Estimate
    from infra.cost.limits import Use

TIGHT = 0.7  # above it, a larger load than expected does not fit


def report(estimate: Estimate) -> str:
    """Return the page."""
    parts = (_sale(estimate), _load(estimate), _limits(estimate), _money(estimate))
    return "\n\n".join("\n".join(part) for part in parts)


def comparison(estimates: Sequence[Estimate]) -> str:
    """Return the cost of one sale through each door, a column for each."""
    first = estimates[0]
    lines = [next(_sale(first)), ""]
    names = [NAMES[estimate.workload.door] for estimate in estimates]
    lines.append(f"{'USD':<26}" + "".join(f"{name:>24}" for name in names))
    costs = [estimate.use_usd | estimate.fixed_usd for estimate in estimates]
    parts = list(dict.fromkeys(part for cost in costs for part in cost))
    lines += [_row(part, [cost.get(part) for cost in costs]) for part in parts]
    lines.append(_row("total", [estimate.total_usd for estimate in estimates]))
    shares = [e.uses[0] for e in estimates]
    lines.append(
        f"{'nearest limit, needed':<26}" + "".join(f"{use.share:>24,.0%}" for use in shares)
    )
    lines += [f"  {name}: {use.name}" for name, use in zip(names, shares, strict=True)]
    return "\n".join(lines)


def _row(name: str, values: Sequence[float | None]) -> str:
    cells = ("" if value is None else f"{value:,.2f}" for value in values)
    return (f"{name:<26}" + "".join(f"{cell:>24}" for cell in cells)).rstrip()


def _sale(estimate: Estimate) -> Iterator[str]:
    sale, load = estimate.workload, estimate.load
    mean = load.requests / (sale.minutes * 60)
    yield (
        f"{sale.applicants:,} users apply {sale.presses:g} times within {sale.minutes:g} min "
        f"for {sale.quantity:,} coupons; size {sale.size}, {sale.region}"
        + (f"; {sale.looks:,} looks before" if sale.looks else "")
        + ("; durable Redis" if sale.durable_redis else "")
    )
    peak = load.wanted_per_s
    yield f"  requests      {load.requests:,.0f}: {mean:,.0f}/s mean, {peak:,.0f}/s peak"
    if sale.throttle:
        away = peak - load.requests_per_s
        refusal = 429 if sale.door.has_functions else 503
        yield f"  let in        {sale.throttle:,}/s; {away:,.0f}/s get {refusal} at the peak"
    if load.sold_out_after_s is None:
        yield "  sold out      never: a coupon for each user"
    else:
        yield f"  sold out      after {_seconds(load.sold_out_after_s)}"
    yield f"  last coupon   in MySQL after {_seconds(estimate.last_row_after_s)}"
    if sale.door.has_functions:
        yield (
            f"  Lambda        {estimate.environments:,.0f} environments at the peak, "
            f"{estimate.cold_environments:,.0f} of them cold, "
            f"{estimate.cold_start_ms:,.0f} ms more for the first request of each"
        )
    else:
        yield f"  Fargate       {estimate.tasks:,} tasks of the gateway at the peak"
    yield (
        f"  Redis         {load.redis_calls:,.0f} calls, {load.redis_calls_per_s:,.0f}/s peak, "
        f"{load.redis_cores:.0%} of a core"
    )
    yield f"  Kafka         {sale.accepted:,} records, {load.records_per_s:,.0f}/s peak"


def _load(estimate: Estimate) -> Iterator[str]:
    functions = estimate.workload.door.has_functions
    each = "ms each" if functions else "ms of CPU"  # a function is paid for while it waits
    yield f"{'outcome':<18}{'requests':>16}{'peak/s':>12}{each:>10}{'Redis calls':>16}"
    for name, outcome in estimate.load.outcomes.items():
        each_ms = outcome.duration_ms if functions else outcome.gateway_us / 1000
        yield (
            f"{name:<18}{outcome.count:>16,.0f}{outcome.in_busiest_second:>12,.0f}"
            f"{each_ms:>10.1f}{outcome.count * outcome.redis_calls:>16,.0f}"
        )


def _limits(estimate: Estimate) -> Iterator[str]:
    yield f"{'limit':<34}{'needed':>12}{'there is':>12}  {'of it':>9}"
    for use in estimate.uses:
        yield (
            f"{use.name:<34}{_number(use.needed):>12}{_number(use.capacity):>12}  "
            f"{use.share:>9,.0%}  {use.unit}{_rating(use)}"
        )
    first = estimate.uses[0]
    breaks = "Breaks first" if first.share > 1 else "Nothing breaks; nearest"
    yield f"{breaks}: {first.name}: {first.remedy}."
    for use in estimate.uses[1:]:
        if use.share > 1:
            yield f"Then {use.name}: {use.remedy}."


def _money(estimate: Estimate) -> Iterator[str]:
    sale = estimate.workload
    yield f"{'USD':<22}{'a million applies':>20}{'the day':>14}"
    for part, usd in estimate.use_usd.items():
        yield f"{part:<22}{estimate.per_million_applies(usd):>20,.2f}{usd:>14,.2f}"
    used = sum(estimate.use_usd.values())
    yield f"{'all use':<22}{estimate.per_million_applies(used):>20,.2f}{used:>14,.2f}"
    for part, usd in estimate.fixed_usd.items():
        yield f"{part:<22}{f'{sale.hours:g} h':>20}{usd:>14,.2f}"
    yield f"{'total':<42}{estimate.total_usd:>14,.2f}"
    if sale.durable_redis:
        yield "Not counted: what AWS may ask for the synchronous writes of a durable Redis"
    if estimate.from_memory:
        yield (
            f"{len(estimate.from_memory)} prices of {sale.region} are from memory, to be checked: "
            "infra/cost/prices.toml"
        )


def _rating(use: Use) -> str:
    if use.share > 1:
        return ", BREAKS"
    return ", tight" if use.share > TIGHT else ""


def _number(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:,.2f}"  # noqa: PLR2004 - two digits that count


def _seconds(seconds: float) -> str:
    return f"{seconds:,.1f} s"
