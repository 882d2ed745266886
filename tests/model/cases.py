"""The cases of check.py that hold: the protocol under faults."""

from __future__ import annotations

from tests.model.case import ENDS, ISSUED, OPENS, Case

RETURNED = "P1 P2 P3 place-once"
CHANGED = "P1 P2 P3 change-whole"
PAUSED = "P1 P2 P3 paused"
ERASED = "P1 P2 P3 erased"
STAGED = "P1 P2 P3 as-released"
USED_ONCE = "used-once P1 P2 P3"

PROTOCOL = (
    Case("calm", "2 people, 1 coupon, late records", ""),
    Case("two-coupons", "2 people, 2 coupons", "QUANTITY=2"),
    Case("three-people", "3 people, 1 coupon", "USERS=3 ATTEMPTS=1"),
    Case("failover", "restart, or a replica that lacks writes", "FAILOVERS=1"),
    Case("failover-twice", "A to B to A", "FAILOVERS=2 ATTEMPTS=1"),
    Case("failover-killed", "… the rebuild is killed", "FAILOVERS=1 REBUILD_KILLS=1"),
    Case("flush", "Redis emptied", "FLUSHES=1"),
    Case("flush-twice", "… twice", "FLUSHES=2 ATTEMPTS=1"),
    Case("flush-2", "… 2 coupons", "FLUSHES=1 QUANTITY=2 ATTEMPTS=1"),
    Case("failover-flush", "failover and flush", "FAILOVERS=1 FLUSHES=1 ATTEMPTS=1"),
    Case("refused", "MySQL refuses a record, failover", "REFUSALS=1 FAILOVERS=1 ATTEMPTS=1"),
    Case("refused-flush", "… flush", "REFUSALS=1 FLUSHES=1 ATTEMPTS_OTHERS=1"),
    Case("refused-twice", "MySQL refuses two records, flush", "REFUSALS=2 FLUSHES=1 ATTEMPTS=1"),
    Case("zombie", "two consumers, failover", "ZOMBIE FAILOVERS=1 ATTEMPTS=1"),
    Case("two-rebuilds", "two rebuilds at once, failover", "OVERLAPS=1 FAILOVERS=1 ATTEMPTS=1"),
    Case(
        "two-rebuilds-f",
        "… Redis emptied three times, one user",
        "OVERLAPS=1 EMPTIED FLUSHES=2 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
    ),
    Case(
        "collision",
        "redrive gives another serial, failover",
        "USERS=3 QUANTITY=2 COLLISION DEGRADED FAILOVERS=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts="P1 P2 P3-if-left",
    ),
    Case(
        "epoch-off",
        "REDIS_EPOCH=off, failover: P3 while a serial is left",
        "DEGRADED WITHOUT_EPOCH FAILOVERS=1 ATTEMPTS_OTHERS=1",
        asserts="P1 P2 P3-if-left",
    ),
    Case(
        "schema-alone",
        "the script admits one too many, the schema holds",
        "DEGRADED WITHOUT_REDIS_QUOTA ATTEMPTS=1",
        asserts="P1 P2 P3-if-left",
    ),
    Case(
        "former-primary",
        "it still replies; confirmed in MySQL instead of Redis",
        "FORMER_PRIMARY CONFIRMS_IN_MYSQL FAILOVERS=1",
    ),
    Case(
        "former-replica",
        "it still replies; a replica must take the confirmation",
        "FORMER_PRIMARY CONFIRMED_BY_REPLICA FAILOVERS=1",
    ),
    Case(
        "relay-closed",
        "relay without epoch check: needless, yet safe",
        "RELAYS_WHEN_CLOSED FAILOVERS=1",
    ),
    Case(
        "discard",
        "rebuild discards what Redis holds: unfair, yet safe",
        "DISCARDS_REDIS FAILOVERS=1",
    ),
    Case(
        "already-at-once",
        "ALREADY_APPLIED promises nothing: P3 for ACCEPTED",
        "ALREADY_AT_ONCE ALREADY_PROMISES_NOTHING FAILOVERS=1",
    ),
    Case("give-back", "a user gives back, and may apply again", "GIVES=1", asserts=RETURNED),
    Case(
        "give-flush",
        "… Redis emptied",
        "GIVES=1 FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=2",
        asserts=RETURNED,
    ),
    Case(
        "give-failover",
        "… failover",
        "HAS_ROW GIVES=1 FAILOVERS=1 ATTEMPTS=1",
        asserts=RETURNED,
    ),
    Case(
        "give-refused",
        "… MySQL refuses a record, flush",
        "HAS_ROW GIVES=1 FLUSHES=1 REFUSALS=1 ATTEMPTS=1",
        asserts=RETURNED,
    ),
    Case(
        "give-killed",
        "… the rebuild is killed, flush",
        "HAS_ROW GIVES=1 FLUSHES=1 REBUILD_KILLS=1 ATTEMPTS=1",
        asserts=RETURNED,
    ),
    Case(
        "give-rebuilds",
        "… two rebuilds at once, flush",
        "HAS_ROW GIVES=1 OVERLAPS=1 EMPTIED FLUSHES=1 ATTEMPTS=1",
        asserts=RETURNED,
    ),
    Case(
        "give-revoke",
        "… while an administrator revokes it",
        "GIVES=1 REVOKES=1",
        asserts=RETURNED,
    ),
    Case(
        "revoke",
        "revoked for another applicant, flush",
        "HAS_ROW REVOKES=1 FLUSHES=1 ATTEMPTS=1",
        asserts=RETURNED,
    ),
    Case(
        "gone-settled",
        "a given-back coupon's record settles: needless, yet safe",
        "SETTLES_GONE HAS_ROW GIVES=1 FLUSHES=1 ATTEMPTS=1",
        asserts=RETURNED,
    ),
    Case(
        "orders",
        "two orders want the coupon that its user gives back",
        "HAS_ROW ORDERS=2 GIVES=1 ATTEMPTS=1",
        asserts=USED_ONCE,
    ),
    Case(
        "orders-revoke",
        "… or an administrator revokes",
        "HAS_ROW ORDERS=1 GIVES=1 REVOKES=1 ATTEMPTS=0 ATTEMPTS_OTHERS=1",
        asserts=USED_ONCE,
    ),
    Case(
        "expiry",
        "… or its time is over, and its user gives it back",
        "EXPIRES HAS_ROW ORDERS=2 GIVES=1 ATTEMPTS=1",
        asserts=USED_ONCE,
    ),
    Case(
        "expiry-flush",
        "… or it is revoked, flush",
        "EXPIRES HAS_ROW ORDERS=1 REVOKES=1 FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts=USED_ONCE,
    ),
    Case("lower", "the quantity is lowered by one", "LOWERS QUANTITY=2", asserts=CHANGED),
    Case(
        "lower-flush",
        "… flush",
        "LOWERS QUANTITY=2 HAS_ROW FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts=CHANGED,
    ),
    Case(
        "lower-failover",
        "… failover, two people",
        "LOWERS QUANTITY=2 HAS_ROW FAILOVERS=1 REBUILD_KILLS=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts=CHANGED,
    ),
    Case(
        "lower-give",
        "… while a coupon is given back, flush",
        "LOWERS GIVES=1 QUANTITY=2 HAS_ROW FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts=CHANGED,
    ),
    Case("pause", "paused, and goes on", "PAUSES RESUMES", asserts=PAUSED),
    Case(
        "pause-flush",
        "… flush, the rebuild is killed",
        "PAUSES FLUSHES=1 REBUILD_KILLS=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts=PAUSED,
    ),
    Case(
        "pause-failover",
        "… failover",
        "PAUSES FAILOVERS=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts=PAUSED,
    ),
    Case(
        "pause-lower",
        "… while the quantity is lowered, flush",
        "PAUSES LOWERS QUANTITY=2 HAS_ROW FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts=PAUSED,
    ),
    Case("release", "one coupon now, one later", "RELEASES=1 QUANTITY=2", asserts=STAGED),
    Case(
        "release-flush",
        "… flush, the rebuild is killed",
        "RELEASES=1 QUANTITY=2 HAS_ROW FLUSHES=1 REBUILD_KILLS=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts=STAGED,
    ),
    Case(
        "release-failover",
        "… failover, to a clock that is behind",
        "RELEASES=1 QUANTITY=2 HAS_ROW FAILOVERS=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts=STAGED,
    ),
    Case(
        "release-give",
        "… while a coupon is given back, flush",
        "RELEASES=1 GIVES=1 QUANTITY=2 HAS_ROW FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
        asserts=STAGED,
    ),
    Case("erase", "a user is erased", "ERASES ATTEMPTS_OTHERS=2 ATTEMPTS=1", asserts=ERASED),
    Case(
        "erase-flush",
        "… flush",
        "ERASES FLUSHES=1 ATTEMPTS=0 ATTEMPTS_OTHERS=1",
        asserts=ERASED,
    ),
    Case(
        "erase-failover",
        "… failover, the rebuild is killed",
        "ERASES FAILOVERS=1 REBUILD_KILLS=1 ATTEMPTS=0 ATTEMPTS_OTHERS=1",
        asserts=ERASED,
    ),
    Case("live-issued", "failover", "FAILOVERS=1 ATTEMPTS=1", ISSUED),
    Case("live-issued-f", "flush", "FLUSHES=1 ATTEMPTS=1", ISSUED),
    Case("live-refused", "MySQL refuses a record", "REFUSALS=1 ATTEMPTS=1", ISSUED),
    Case("live-opens", "flush", "FLUSHES=1 ATTEMPTS=1", OPENS),
    Case("live-pending", "failover", "FAILOVERS=1 ATTEMPTS=1", ENDS),
)
