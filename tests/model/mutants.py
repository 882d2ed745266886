"""The cases of check.py that must be caught: the protocol with one guard removed."""

from __future__ import annotations

from tests.model.case import ENDS, SAFETY, Case


def _mutant(name: str, about: str, defines: str, formula: str = SAFETY) -> Case:
    return Case(name, about, defines, formula, is_mutant=True)


MUTANTS = (
    _mutant("no-confirm", "accepted with Kafka's ack alone", "WITHOUT_CONFIRMATION FAILOVERS=1"),
    _mutant("no-fence", "direct write without the fence", "WITHOUT_FENCE FAILOVERS=1"),
    _mutant("no-fence-lock", "… fence read before it", "FENCE_WITHOUT_LOCK FAILOVERS=1"),
    _mutant("fence-last", "fence raised after MySQL is read", "FENCE_LAST FAILOVERS=1"),
    _mutant("unsafe", "accepted without ack and row", "ACCEPTS_UNSAFE FAILOVERS=1"),
    _mutant("run-id", "epoch names the process: A to B to A", "NAMES_THE_PROCESS FAILOVERS=2"),
    _mutant("former", "confirmed by a former primary", "FORMER_PRIMARY FAILOVERS=1"),
    _mutant("late-written", "consumer writes late records", "WRITES_THE_LATE FAILOVERS=1"),
    _mutant("late-rebuilt", "later rebuild reads them", "REBUILDS_THE_LATE FLUSHES=2 ATTEMPTS=1"),
    _mutant(
        "late-settled",
        "late record clears the pending of another admission",
        "SETTLES_THE_LATE SETTLES_ANY_FENCE FAILOVERS=1",
    ),
    _mutant(
        "late-refused",
        "… MySQL refuses it, and it is settled",
        "SETTLES_ANY_FENCE REFUSALS=1 FAILOVERS=1 ATTEMPTS=1",
    ),
    _mutant(
        "no-order",
        "the older of two rebuilds opens",
        "WITHOUT_ORDER STORES_IN_ANY_ORDER OVERLAPS=1 EMPTIED FLUSHES=1 MORE_FENCES=2"
        " ATTEMPTS=1 ATTEMPTS_OTHERS=0",
    ),
    _mutant(
        "store-order",
        "the older of two rebuilds stores its end",
        "STORES_IN_ANY_ORDER OVERLAPS=1 EMPTIED FLUSHES=2 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
    ),
    _mutant("commit-first", "offset committed before the transaction", "COMMITS_FIRST FAILOVERS=1"),
    _mutant("settle-first", "settled before the transaction", "SETTLES_FIRST FAILOVERS=1"),
    _mutant("write-last", "settled, offset committed, then the transaction", "WRITES_LAST"),
    _mutant("no-settle", "never settled", "NEVER_SETTLES", ENDS),
    _mutant("no-pending", "no pending record, no relay", "WITHOUT_PENDING"),
    _mutant("no-epoch", "no epoch check", "WITHOUT_EPOCH FAILOVERS=1 ATTEMPTS=1"),
    _mutant("no-ack", "answered before the send", "WITHOUT_ACK FAILOVERS=1"),
    _mutant("take-back", "serial taken back when the ack is missing", "TAKES_BACK"),
    _mutant("already", "ALREADY_APPLIED, not yet safe, promises", "ALREADY_AT_ONCE FAILOVERS=1"),
    _mutant("no-unique-user", "schema without UNIQUE(user)", "WITHOUT_UNIQUE_USER"),
    _mutant(
        "no-unique-serial",
        "… without UNIQUE(serial), epoch off",
        "WITHOUT_UNIQUE_SERIAL DEGRADED WITHOUT_EPOCH FAILOVERS=1 ATTEMPTS=1",
    ),
    _mutant(
        "no-quantity",
        "quantity neither in the script nor in the INSERT",
        "WITHOUT_REDIS_QUOTA WITHOUT_SCHEMA_QUANTITY",
    ),
    _mutant("open-first", "rebuild opens, then puts back", "OPENS_FIRST FAILOVERS=1"),
    _mutant(
        "displaced",
        "… keeps a serial that is another's",
        "KEEPS_DISPLACED FAILOVERS=1 FLUSHES=1 ATTEMPTS=1",
    ),
    _mutant(
        "weak-topic",
        "… lets Redis outweigh the topic",
        "RESTORES_WEAKLY FAILOVERS=1 FLUSHES=1 ATTEMPTS=1",
    ),
    _mutant("mysql-first", "… reads MySQL before the offsets", "MYSQL_BEFORE_OFFSETS FAILOVERS=1"),
    _mutant(
        "no-failed", "… forgets failed_event", "FORGETS_FAILED FLUSHES=1 REFUSALS=1 ATTEMPTS=1"
    ),
    _mutant(
        "failed-first",
        "… reads failed_event before the offsets",
        "FAILED_BEFORE_OFFSETS FLUSHES=1 REFUSALS=1 ATTEMPTS=1",
    ),
    _mutant(
        "coupon-first",
        "… reads coupon before failed_event",
        "COUPON_BEFORE_FAILED FLUSHES=1 REFUSALS=1 ATTEMPTS=1",
    ),
    _mutant("no-token", "… opens although emptied meanwhile", "WITHOUT_TOKEN FLUSHES=2"),
    _mutant(
        "no-lock",
        "… overtakes a redrive, which does not compare the fence",
        "IGNORES_LOCKS REASSIGNS_WITHOUT_FENCE USERS=3 QUANTITY=2 COLLISION DEGRADED FAILOVERS=1"
        " ATTEMPTS=1 ATTEMPTS_OTHERS=0",
    ),
    _mutant(
        "dead",
        "… leaves the dead dead",
        "LEAVES_THE_DEAD USERS=3 QUANTITY=2 COLLISION DEGRADED FAILOVERS=1 ATTEMPTS_OTHERS=0",
    ),
    _mutant(
        "post-again", "POST /campaigns opens what was emptied", "POSTS_AGAIN FLUSHES=1 ATTEMPTS=1"
    ),
    _mutant("return-first", "returned in Redis before MySQL", "RETURNS_IN_REDIS_FIRST GIVES=1"),
    _mutant("return-none", "… without + 1 in the transaction", "ADDS_NOTHING GIVES=1"),
    _mutant(
        "return-twice",
        "… twice: an UPDATE without its WHERE",
        "ENDS_TWICE HAS_ROW GIVES=1 REVOKES=1 ATTEMPTS=1",
    ),
    _mutant(
        "settle-given-back",
        "settle writes a given-back coupon over the new one",
        "SETTLES_GIVEN_BACK GIVES=1",
    ),
    _mutant(
        "rebuild-given",
        "rebuild restores its record as its user's",
        "RESTORES_GIVEN_BACK GIVES=1 FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=2",
    ),
    _mutant(
        "blanks-last",
        "… its serial last, with the rows",
        "BLANKS_LAST GIVES=1 FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=2",
    ),
    _mutant(
        "row-early",
        "… reads the returned places before closing",
        "PLACES_BEFORE_CLOSING HAS_ROW GIVES=1 OVERLAPS=1 EMPTIED FLUSHES=1 ATTEMPTS=1",
    ),
    _mutant("any-state", "an order's UPDATE without its WHERE", "ANY_STATE ORDERS=2 ATTEMPTS=1"),
    _mutant("end-any-state", "… a coupon's end", "ENDS_TWICE HAS_ROW ORDERS=1 GIVES=1 ATTEMPTS=1"),
    _mutant(
        "expired-used",
        "an expired coupon is used",
        "USES_EXPIRED EXPIRES HAS_ROW ORDERS=1 ATTEMPTS=1",
    ),
    _mutant(
        "expired-kept",
        "… reserved, and then used",
        "RESERVES_EXPIRED EXPIRES HAS_ROW ORDERS=1 ATTEMPTS=1",
    ),
    _mutant(
        "expired-given",
        "… given back for a new one",
        "GIVES_BACK_EXPIRED EXPIRES HAS_ROW ORDERS=1 GIVES=1 ATTEMPTS=1",
    ),
    _mutant(
        "expired-twice",
        "… returns its place, and is revoked",
        "EXPIRY_RETURNS EXPIRES HAS_ROW ORDERS=1 REVOKES=1 ATTEMPTS=0",
    ),
    _mutant(
        "lower-first",
        "quantity lowered in MySQL before Redis",
        "LOWERS_IN_MYSQL_FIRST LOWERS QUANTITY=2 ATTEMPTS=1",
    ),
    _mutant(
        "lower-no-fence",
        "… without the fence in its WHERE",
        "CHANGES_UNDER_ANY_FENCE LOWERS QUANTITY=2 FLUSHES=1 ATTEMPTS=1",
    ),
    _mutant(
        "lower-blindly",
        "… below a serial that was given",
        "NARROWS_BLINDLY LOWERS QUANTITY=2 ATTEMPTS=1",
    ),
    _mutant(
        "pause-unstored",
        "a pause is told that only Redis has",
        "PAUSES_IN_REDIS_ONLY PAUSES FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
    ),
    _mutant(
        "pause-rebuilt",
        "… a rebuild opens without it",
        "REBUILD_FORGETS_PAUSE PAUSES FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
    ),
    _mutant(
        "pause-version",
        "… an older row is pushed over it",
        "PUSHES_ANY_VERSION PAUSES RESUMES ATTEMPTS=1",
    ),
    _mutant(
        "release-memory",
        "a job opens a release, in Redis alone",
        "RELEASES_IN_MEMORY RELEASES=1 QUANTITY=2 HAS_ROW FAILOVERS=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
    ),
    _mutant(
        "release-lost",
        "… a rebuild opens without the releases",
        "REBUILD_FORGETS_RELEASES RELEASES=1 QUANTITY=2 HAS_ROW FLUSHES=1 ATTEMPTS=1"
        " ATTEMPTS_OTHERS=0",
    ),
    _mutant(
        "release-gaps",
        "… gives back what was never given",
        "RETURNS_THE_UNGIVEN RELEASES=1 QUANTITY=2 HAS_ROW FLUSHES=1 ATTEMPTS=1 ATTEMPTS_OTHERS=0",
    ),
    _mutant(
        "erase-unwritten",
        "erased while the admission is on its way to MySQL",
        "ERASES_WITHOUT_WRITING ERASES ATTEMPTS=0 ATTEMPTS_OTHERS=1",
    ),
    _mutant(
        "erase-code",
        "… the row's code is not its user's any more",
        "RENAMES_THE_CODE ERASES ATTEMPTS=0 ATTEMPTS_OTHERS=1",
    ),
    _mutant(
        "erase-settled",
        "… a late settle brings the id back to Redis",
        "SETTLES_THE_ERASED ERASES ATTEMPTS=0 ATTEMPTS_OTHERS=1",
    ),
    _mutant(
        "erase-half",
        "… killed before Redis, and never completed",
        "LEAVES_ERASURE_HALF_DONE ERASES HAS_ROW ATTEMPTS=0",
    ),
    _mutant(
        "erase-rebuilt",
        "… a rebuild opens without the number of the erased",
        "REBUILD_FORGETS_THE_ERASED ERASES HAS_ROW FLUSHES=1 ATTEMPTS=0 ATTEMPTS_OTHERS=1",
    ),
)
