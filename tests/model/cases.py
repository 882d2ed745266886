"""The cases of check.py: the protocol under faults, and the protocol with one guard removed."""

from __future__ import annotations

from dataclasses import dataclass

SAFETY = ""
"""No formula: the assertions, at every step and at quiet."""

# The formulas at the end of coupon.pml; these allow two kills or outages, then none.
ISSUED, OPENS, ENDS = "accepted_is_issued", "opens_again", "pending_ends"


@dataclass(frozen=True, slots=True)
class Case:
    """One search: the defines the model is built with, and the property it has to show."""

    name: str
    about: str
    defines: str
    formula: str = SAFETY
    is_mutant: bool = False
    asserts: str = "P1 P2 P3 at-quiet"

    @property
    def shows(self) -> str:
        """Name the property in the table."""
        return self.formula or self.asserts


def _mutant(name: str, about: str, defines: str, formula: str = SAFETY) -> Case:
    return Case(name, about, defines, formula, is_mutant=True)


PROTOCOL = (
    Case("calm", "2 people, 1 coupon", ""),
    Case("two-coupons", "2 people, 2 coupons", "QUANTITY=2"),
    Case("three-people", "3 people, 2 coupons", "USERS=3 QUANTITY=2 ATTEMPTS_OTHERS=1"),
    Case("restart", "Redis restarts, late records", "RESTARTS=1 LATE"),
    Case("restart-twice", "Redis restarts twice", "RESTARTS=2"),
    Case("restart-2", "… once, 2 coupons", "RESTARTS=1 QUANTITY=2 ATTEMPTS_OTHERS=1"),
    Case("flush", "Redis emptied, late records", "FLUSHES=1 LATE"),
    Case("flush-2", "… 2 coupons", "FLUSHES=1 QUANTITY=2 ATTEMPTS_OTHERS=1"),
    Case("restart-flush", "restart and flush, late records", "RESTARTS=1 FLUSHES=1 LATE"),
    Case("restart-flush-3", "… 3 people", "USERS=3 RESTARTS=1 FLUSHES=1 ATTEMPTS=1"),
    Case(
        "refused",
        "MySQL refuses a record, restart, flush",
        "REFUSALS=1 RESTARTS=1 FLUSHES=1 ATTEMPTS=1",
    ),
    Case(
        "refused-twice",
        "MySQL refuses two records, flush",
        "REFUSALS=2 FLUSHES=1 ATTEMPTS_OTHERS=1",
    ),
    Case(
        "zombie", "two consumers, restart, flush", "ZOMBIE RESTARTS=1 FLUSHES=1 ATTEMPTS_OTHERS=1"
    ),
    Case("two-rebuilds", "two rebuilds at once, two flushes", "REBUILDS=2 FLUSHES=2 ATTEMPTS=1"),
    Case("two-rebuilds-r", "… one restart", "REBUILDS=2 RESTARTS=1"),
    Case(
        "collision",
        "redrive gives another serial, restart, flush",
        "USERS=3 QUANTITY=2 COLLISION DEGRADED RESTARTS=1 FLUSHES=1 ATTEMPTS_OTHERS=0",
        asserts="P1 P2 P3-if-left",
    ),
    Case(
        "epoch-off",
        "REDIS_EPOCH=off, restart: P3 while a serial is left",
        "DEGRADED WITHOUT_EPOCH RESTARTS=1",
        asserts="P1 P2 P3-if-left",
    ),
    Case(
        "schema-alone",
        "the script admits one too many, the schema holds",
        "DEGRADED WITHOUT_REDIS_QUOTA ATTEMPTS_OTHERS=1",
        asserts="P1 P2 P3-if-left",
    ),
    Case(
        "settle-first",
        "settled before the transaction: needless, yet safe",
        "SETTLES_FIRST RESTARTS=1 FLUSHES=1",
    ),
    Case(
        "already-at-once",
        "ALREADY_APPLIED promises nothing: P3 for ACCEPTED",
        "ALREADY_AT_ONCE ALREADY_PROMISES_NOTHING RESTARTS=1 FLUSHES=1",
    ),
    Case("live-issued", "restart, late records", "RESTARTS=1 LATE", ISSUED),
    Case(
        "live-issued-f", "flush, MySQL refuses a record", "FLUSHES=1 REFUSALS=1 ATTEMPTS=1", ISSUED
    ),
    Case("live-issued-2", "2 coupons, restart", "RESTARTS=1 QUANTITY=2 ATTEMPTS=1", ISSUED),
    Case("live-opens", "restart and flush", "RESTARTS=1 FLUSHES=1 ATTEMPTS=1", OPENS),
    Case("live-pending", "restart", "RESTARTS=1", ENDS),
)

MUTANTS = (
    _mutant("no-wait", "rebuild does not wait", "WITHOUT_WAIT RESTARTS=1 ATTEMPTS=1"),
    _mutant("no-wait-flush", "… after a flush", "WITHOUT_WAIT FLUSHES=1 ATTEMPTS=1"),
    _mutant("wait-relay", "rebuild does not wait for the relay", "WAIT_FORGETS_RELAY RESTARTS=1"),
    _mutant("wait-wire", "… for records on the wire", "WAIT_FORGETS_WIRE RESTARTS=1 LATE"),
    _mutant("relay-closed", "relay without epoch check", "RELAYS_WHEN_CLOSED RESTARTS=1 FLUSHES=1"),
    _mutant("commit-first", "offset committed before the transaction", "COMMITS_FIRST RESTARTS=1"),
    _mutant("write-last", "settled, offset committed, then the transaction", "WRITES_LAST"),
    _mutant("no-settle", "never settled", "NEVER_SETTLES", ENDS),
    _mutant("no-pending", "no pending record, no relay", "WITHOUT_PENDING", ISSUED),
    _mutant("no-epoch", "no epoch check", "WITHOUT_EPOCH RESTARTS=1 ATTEMPTS=1"),
    _mutant("no-ack", "answered before the send", "WITHOUT_ACK RESTARTS=1"),
    _mutant("take-back", "serial taken back when the ack is missing", "TAKES_BACK"),
    _mutant("already", "ALREADY_APPLIED, not yet safe, promises", "ALREADY_AT_ONCE RESTARTS=1"),
    _mutant("no-unique-user", "schema without UNIQUE(user)", "WITHOUT_UNIQUE_USER"),
    _mutant(
        "no-unique-serial",
        "… without UNIQUE(serial), epoch off",
        "WITHOUT_UNIQUE_SERIAL DEGRADED WITHOUT_EPOCH RESTARTS=1 ATTEMPTS=1",
    ),
    _mutant(
        "no-quantity",
        "quantity neither in the script nor in the INSERT",
        "WITHOUT_REDIS_QUOTA WITHOUT_SCHEMA_QUANTITY",
    ),
    _mutant("epoch-first", "rebuild writes the epoch first", "EPOCH_FIRST RESTARTS=1"),
    _mutant("discard", "rebuild discards what Redis holds", "DISCARDS_REDIS RESTARTS=1"),
    _mutant(
        "displaced", "… keeps a serial that is another's", "KEEPS_DISPLACED RESTARTS=1 FLUSHES=1"
    ),
    _mutant(
        "weak-topic",
        "… lets Redis outweigh the topic",
        "RESTORES_WEAKLY RESTARTS=1 FLUSHES=1 ATTEMPTS=1",
    ),
    _mutant("mysql-first", "… reads MySQL before the offsets", "MYSQL_BEFORE_OFFSETS RESTARTS=1"),
    _mutant("no-failed", "… forgets failed_event", "FORGETS_FAILED FLUSHES=1 REFUSALS=1"),
    _mutant(
        "coupon-first",
        "… reads coupon before failed_event",
        "COUPON_BEFORE_FAILED FLUSHES=1 REFUSALS=1",
    ),
    _mutant("no-token", "… opens although emptied meanwhile", "WITHOUT_TOKEN FLUSHES=2"),
    _mutant(
        "no-lock",
        "… overtakes a redrive",
        "IGNORES_LOCKS USERS=3 QUANTITY=2 COLLISION DEGRADED RESTARTS=1 ATTEMPTS_OTHERS=0",
    ),
    _mutant(
        "dead",
        "… leaves the dead dead",
        "LEAVES_THE_DEAD USERS=3 QUANTITY=2 COLLISION DEGRADED RESTARTS=1 ATTEMPTS_OTHERS=0",
    ),
    _mutant(
        "post-again", "POST /campaigns opens what was emptied", "POSTS_AGAIN FLUSHES=1 ATTEMPTS=1"
    ),
)
