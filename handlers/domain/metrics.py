"""All metrics of the service. Tests hold docs/operate.md, the board and the alerts to them.

No label is a user, a token, a code or any other text of a client's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.domain.metric import COUNTING, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from handlers.domain.metric import Metric

# From an answer out of memory to one that waits for a slow server.
REQUEST_BUCKETS_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075),
    *(0.1, 0.15, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0),
)
# A batch of one takes milliseconds, one of ten thousand seconds; a batch may take 60 s.
WORK_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

# ---- HTTP
RESPONSES = Counter(
    "seonchak_responses_total",
    "HTTP responses, also those that no handler made",
    *("method", "route", "status"),
)
RESPONSE_SECONDS = Histogram(
    "seonchak_response_duration_seconds",
    "From a request's arrival to its response, with its wait for a thread",
    *("method", "route"),
    buckets=REQUEST_BUCKETS_S,
)
REQUESTS = Counter(
    "seonchak_requests_total",
    "Requests that a handler answered, by the outcome that the client got",
    *("method", "route", "outcome"),
)
SHED = Counter("seonchak_shed_requests_total", "Requests refused because too many waited", "queue")
QUEUED = Gauge("seonchak_queued_requests", "Requests that wait for a thread", "queue")
BUSY = Gauge("seonchak_busy_threads", "Threads that run a handler", "queue")

# ---- The way of a coupon
ADMISSIONS = Counter("seonchak_admissions_total", "Decisions of Redis about applicants", "outcome")
PUBLISHED = Counter(
    "seonchak_published_records_total",
    "Records sent to Kafka, by whether it took them",
    "result",
    start=("acknowledged", "unacknowledged", "not_sent"),
)
DIRECT_WRITES = Counter(
    "seonchak_direct_writes_total",
    "Coupons that apply wrote to MySQL in place of Kafka",
    "result",
    start=("written", "unwritten"),
)
CIRCUIT_OPEN = Gauge(
    "seonchak_open_circuit_breakers", "Processes that do not wait for this server", "server"
)
BATCHES = Counter(
    "seonchak_batches_total",
    "Batches that the poll runner gave to the consumer",
    "result",
    start=("success", "partial", "failed"),
)
BATCH_SECONDS = Histogram(
    "seonchak_batch_duration_seconds",
    "How long the consumer takes for a batch",
    buckets=WORK_BUCKETS_S,
)
RECORDS = Counter(
    "seonchak_consumed_records_total",
    "Records of the topic, a redelivered one again",
    "result",
    start=("decoded", "undecodable", "unwritten"),
)
ROWS = Counter("seonchak_written_coupons_total", "New rows of coupons in MySQL")
RELAYED = Counter("seonchak_relayed_admissions_total", "Admissions that the relay sent again")
REDRIVEN = Counter(
    "seonchak_redriven_events_total",
    "Failed events that were tried again",
    "result",
    start=("resolved", "retried", "dead"),
)
REBUILT = Counter("seonchak_rebuilt_campaigns_total", "Campaigns that a rebuild opened")
DELIVERIES = Counter(
    "seonchak_webhook_deliveries_total",
    "Events for webhooks, by what came of an attempt",
    "result",
    start=("delivered", "failed", "dead"),
)
JOBS = Counter("seonchak_job_runs_total", "Runs of scheduled functions", *("function", "result"))
JOB_SECONDS = Histogram(
    "seonchak_job_duration_seconds",
    "How long a scheduled function takes",
    "function",
    buckets=WORK_BUCKETS_S,
)

# ---- What all processes share: one of them asks (handlers/shared_state.py)
QUANTITY = Gauge("seonchak_campaign_quantity_coupons", "Coupons of a campaign", "campaign")
ADMITTED = Gauge("seonchak_campaign_admitted_users", "Users with a serial in Redis", "campaign")
REMAINING = Gauge("seonchak_campaign_remaining_coupons", "Coupons left to give", "campaign")
PENDING = Gauge(
    "seonchak_campaign_pending_admissions", "Admitted, and not known to be in MySQL", "campaign"
)
PENDING_AGE = Gauge(
    "seonchak_campaign_oldest_pending_seconds", "Age of the oldest pending admission", "campaign"
)
CAMPAIGNS = Gauge("seonchak_campaigns", "Campaigns in Redis by their state", "state")
FAILED_EVENTS = Gauge("seonchak_failed_events", "Rows of failed_event to be solved", "status")
BACKLOG = Gauge("seonchak_webhook_backlog_events", "Events that are not yet delivered to a webhook")
OVERDUE = Gauge("seonchak_webhook_overdue_seconds", "How long the oldest event is due")
LAG = Gauge("seonchak_consumer_lag_records", "Records behind the group's offset", "partition")
UNKNOWN = Gauge("seonchak_unknown_state", "1 where a server did not say its part", "server")

ALL: tuple[Metric[Any], ...] = tuple(
    one for one in list(globals().values()) if isinstance(one, (Counter, Gauge, Histogram))
)


def switch_on() -> None:
    """Count from here on, from nothing: a process that was forked has its parent's numbers."""
    for metric in ALL:
        metric.clear()
    COUNTING.is_on = True


def switch_off() -> None:
    """Count no more."""
    COUNTING.is_on = False
