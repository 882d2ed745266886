"""One soak: the load, the samples, the wait until all is settled, the checks."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from local.harness.arrival import Outstanding, await_arrival
from local.harness.deployment import DeploymentOptions, running_deployment
from local.harness.invariants import check, violations
from local.harness.mysql_state import read_rows
from local.harness.observations import Faults, Observations
from local.harness.redis_state import read_counts
from local.harness.system_info import machine, versions
from local.migrate import database_address
from local.soak import report
from local.soak.client import SoakClient, SoakContext
from local.soak.leak_check import MIB, Growth, growth
from local.soak.response_stats import ResponseStats
from local.soak.samples import Sampler

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from local.harness.console import Console
    from local.harness.deployment import Deployment

CLIENTS = 8
QUANTITY = 200
CAMPAIGN_EVERY_S = 10.0
SAMPLE_EVERY_S = 1.0
PROGRESS_EVERY_S = 10.0
STOP_TIMEOUT_S = 40.0
SETTLE_TIMEOUT_S = 60.0
WAIT_S = 60.0
# What Redis may use: the README's number for an accepted user, twice that for what Redis itself
# reserves, and some for each campaign and each pooled buffer.
REDIS_BYTES_PER_COUPON = 400
REDIS_BYTES_PER_CAMPAIGN = 4096
REDIS_BYTES_ALLOWED = 4 * MIB


def soak(options: argparse.Namespace, console: Console) -> bool:
    """Run the whole soak and print its summary; return whether all is well."""
    asked = DeploymentOptions("embedded", options.kafka, options.out, WAIT_S)
    with running_deployment(asked, console) as deployment:
        stats = ResponseStats()
        context = SoakContext(
            deployment.api, deployment.settings.auth_jwt_secret, stats, threading.Event()
        )
        with closing(Sampler(deployment.settings, list(deployment.programs), context)) as sampler:
            _load(deployment, context, sampler, options, console)
            with console.step("Quiet, then reconciling"):
                _await_arrival(deployment, context, console)
                wrong = stats.failures() + _reconcile(deployment, context)
    growths = [
        growth(name, measure, sampler.times_s, sampler.series(name, measure))
        for name in sampler.taken[0]["programs"]
        for measure in sampler.measures
    ]
    wrong += [_describe(each) for each in growths if not each.is_bounded]
    wrong += _redis_growth(sampler, context)
    report.write(options.out, sampler, _record(context, growths, wrong))
    _show(console, context, growths, wrong, options)
    return not wrong


def _load(
    deployment: Deployment,
    context: SoakContext,
    sampler: Sampler,
    options: argparse.Namespace,
    console: Console,
) -> None:
    """Let the clients run for as long as asked, and sample meanwhile."""
    _open_campaign(context)
    clients = [SoakClient(number, context, options.rate / CLIENTS) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    started = time.monotonic()
    end, campaign_due = started + options.minutes * 60, started + CAMPAIGN_EVERY_S
    sample_due, progress_due = started, started + PROGRESS_EVERY_S
    try:
        while (now := time.monotonic()) < end:
            deployment.check()
            sample = sampler.take()
            if now >= campaign_due:
                campaign_due += CAMPAIGN_EVERY_S
                _open_campaign(context)
            if now >= progress_due:
                progress_due += PROGRESS_EVERY_S
                console.say(_progress(sample, context))
            sample_due += SAMPLE_EVERY_S
            context.stop.wait(max(0.0, sample_due - time.monotonic()))
    finally:
        context.stop.set()
        for client in clients:
            client.join(STOP_TIMEOUT_S)


def _open_campaign(context: SoakContext) -> None:
    context.campaign_ids.append(context.api.create_campaign(QUANTITY, context.secret))


def _progress(sample: dict[str, Any], context: SoakContext) -> str:
    memory = ", ".join(
        f"{name} {process_usage['rss_bytes'] / MIB:.0f}"
        for name, process_usage in sample["programs"].items()
    )
    return (
        f"{sample['at_s']:5.0f} s: {sample['answers']:,} answers, {sample['pending']} pending, "
        f"{context.stats.wrong_count} wrong; MiB: {memory}"
    )


def _await_arrival(deployment: Deployment, context: SoakContext, console: Console) -> None:
    """Return when nothing is pending, or nothing moves any more: the checks report that."""

    def look() -> Outstanding:
        deployment.check()
        counts = [read_counts(deployment.settings, each) for each in context.campaign_ids]
        return Outstanding(0, sum(pending for _, pending in counts))

    await_arrival(look, SETTLE_TIMEOUT_S, deployment.relay_within_s, console.say)


def _reconcile(deployment: Deployment, context: SoakContext) -> list[str]:
    """Compare all records; return what is wrong."""
    found = []
    for campaign_id in context.campaign_ids:
        highest, pending = read_counts(deployment.settings, campaign_id)
        rows, failed, _ = read_rows(database_address(deployment.settings), campaign_id)
        accepted = context.stats.accepted[campaign_id]
        seen = Observations(
            QUANTITY,
            accepted,
            rows,
            highest_count=highest,
            pending=pending,
            failed_events=failed,
            faults=Faults(),  # some clients hang up before the response
        )
        wrong = violations(check(seen))
        unacknowledged = context.stats.unacknowledged[campaign_id]
        if len(rows) > len(accepted) + unacknowledged:
            known = f"{len(accepted)} got ACCEPTED, {unacknowledged} hung up"
            wrong.append(f"{len(rows)} rows, {known}")
        differences = _reconciliation(context, campaign_id)
        if differences.get("differences") or differences.get("truncated"):
            wrong.append(f"reconciliation finds {differences}")
        found += [f"{campaign_id}: {each}" for each in wrong]
    return found


def _reconciliation(context: SoakContext, campaign_id: str) -> dict[str, Any]:
    path = f"/campaigns/{campaign_id}/reconciliation"
    headers = context.headers("soak-admin", "coupon:admin")
    status, fields = context.api.call("GET", path, headers=headers)
    return fields if status == HTTPStatus.OK else {"differences": [f"answered with {status}"]}


def _redis_growth(sampler: Sampler, context: SoakContext) -> list[str]:
    grown = sampler.taken[-1]["redis_bytes"] - sampler.taken[0]["redis_bytes"]
    coupons = context.stats.accepted_count + context.stats.unacknowledged.total()
    allowed = (
        REDIS_BYTES_ALLOWED
        + coupons * REDIS_BYTES_PER_COUPON
        + len(context.campaign_ids) * REDIS_BYTES_PER_CAMPAIGN
    )
    return [f"Redis grew by {grown:,} bytes, allowed {allowed:,}"] if grown > allowed else []


def _describe(each: Growth) -> str:
    return f"{each.program}: {each.measure} rises by {each.rise:,.0f}, allowed {each.rise_max:,.0f}"


def _record(
    context: SoakContext, growths: Sequence[Growth], wrong: Sequence[str]
) -> dict[str, Any]:
    stats = context.stats
    return {
        "sound": not wrong,
        "wrong": list(wrong),
        "answers": stats.count,
        "by_status": {str(status): count for status, count in sorted(stats.statuses.items())},
        "campaigns": len(context.campaign_ids),
        "accepted": stats.accepted_count,
        "unacknowledged": stats.unacknowledged.total(),
        "slowest_s": {what: round(seconds, 3) for what, seconds in stats.slowest_s.items()},
        "growth": [each._asdict() | {"is_bounded": each.is_bounded} for each in growths],
        "versions": versions(),
        "machine": machine(),
    }


def _show(
    console: Console,
    context: SoakContext,
    growths: Sequence[Growth],
    wrong: Sequence[str],
    options: argparse.Namespace,
) -> None:
    stats = context.stats
    statuses = ", ".join(f"{status} {count:,}" for status, count in sorted(stats.statuses.items()))
    console.console.print(report.table(growths))
    console.say(f"{stats.count:,} answers: {statuses}")
    console.say(f"{len(context.campaign_ids)} campaigns, {stats.accepted_count:,} got ACCEPTED")
    for each in wrong:
        console.console.print(f"✗ {each}", style="red", highlight=False, markup=False)
    if not wrong:
        console.console.print("✓ nothing lost, nothing grew, nothing unexplained", style="green")
    console.say(f"{options.out}: {report.PLOT}, {report.METRICS}")
