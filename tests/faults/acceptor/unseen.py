"""The steps of the model that no server's journal shows, each with the reason.

What they lead to is judged: a step that was left out, or done too early, shows in a later effect.
"""

from __future__ import annotations

UNSEEN: dict[str, dict[str, tuple[str, ...]]] = {
    "the frame of its steps, each of which is judged": {
        "apply.pml": ("Apply",),
        "change.pml": ("Change", "end_change"),
        "consume.pml": ("Consumer", "Zombie", "(by the zombie)", "end_batch"),
        "ends.pml": ("GiveBack", "Revoke", "Completes"),
        "erase.pml": ("Erase", "CompletesErasure", "end_erasure"),
        "faults.pml": ("RedisFaults",),
        "orders.pml": ("Order", "end_call"),
        "rebuild.pml": ("Rebuild", "end_rebuild"),
        "redrive.pml": ("Redrive", "release"),
        "relay.pml": ("Relay", "Wire"),
        "world.pml": ("clean", "copy"),
    },
    "a mutant has it, the protocol has not": {
        "apply.pml": (
            "(by the former primary)",
            "take_back",
            "user %d: serial %d is taken back",
            "user %d: the fence is right",
        ),
        "consume.pml": ("settle_all_as_issued",),
        "change.pml": ("Redis: is paused, and no other server is",),
        "ends.pml": ("Redis: gives the place",),
        "faults.pml": (
            "Administrator",
            "POST /campaigns again: OPENED",
            "POST /campaigns again: coupon:epoch is known",
        ),
        "orders.pml": ("MySQL: the place of the expired coupon is returned",),
        "rebuild.pml": ("discard",),
        "release.pml": ("a job opens the release",),
    },
    "it changes nothing: a process gives up, or is killed": {
        "apply.pml": ("user %d: not confirmed", "user %d: 503, or killed"),
        "change.pml": (
            "MySQL: a rebuild has begun since",
            "MySQL: serial %d is above",
            "Redis: does not take version %d",
        ),
        "consume.pml": ("consumer: killed", "MySQL: user %d gave serial %d back"),
        "ends.pml": ("MySQL: it has changed meanwhile",),
        "erase.pml": ("erasure: a rebuild has begun",),
        "orders.pml": ("order %d: the coupon has changed meanwhile",),
        "rebuild.pml": (
            "rebuild %d: killed",
            "rebuild %d: another one has it",
            "rebuild %d: overtaken",
            "rebuild %d: Redis was lost again, or another one has it",
        ),
        "redrive.pml": ("redrive: of another fence",),
        "relay.pml": ("wire: a record is lost", "wire: a late record is lost"),
    },
    "a read; what was read shows when it is written": {
        "change.pml": ("scheduler: a change is noted", "read_row_to_push"),
        "consume.pml": ("consumer: polls",),
        "ends.pml": ("read_row",),
        "erase.pml": (
            "find",
            "erasure: Redis has serial %d of user 0, pending: %d",
            "read_pseudonym",
        ),
        "rebuild.pml": (
            "read_failed",
            "rebuild: reads failed_event",
            "rebuild: reads the group's offsets",
            "rebuild: reads the topic",
            "rebuild: reads coupon",
            "read_row_of_campaign",
            "rebuild: reads the campaign",
            "rebuild: reads the returned places",
            "rebuild: reads what was given back",
        ),
        "redrive.pml": ("redrive: takes user %d, serial %d",),
    },
    "a replica tells only its primary; what was confirmed without it shows in a response": {
        "apply.pml": ("user %d: a replica has taken the confirmation",),
    },
    "the response to an administrator; the histories judge what it promises": {
        "change.pml": ("tell_paused", "the administrator is told that it is paused"),
        "erase.pml": ("user 0 is told that nothing has the id any more",),
    },
    "Redis's clock; what it allows shows in the next admission": {
        "faults.pml": ("Redis: its clock is behind",),
        "release.pml": ("Clock", "Redis: it is time for the release"),
    },
    "MySQL's clock, which no row shows": {
        "orders.pml": ("Time", "a reservation is over", "the coupon's time is over"),
    },
    "Kafka keeps the group's offsets to itself; a rebuild shows what was committed too early": {
        "consume.pml": ("commit_offset", "consumer: offset committed"),
    },
}
