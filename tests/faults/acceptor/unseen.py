"""The steps of the model that no server's journal shows, each with the reason.

What they lead to is judged: a step that was left out, or done too early, shows in a later effect.
"""

from __future__ import annotations

UNSEEN: dict[str, dict[str, tuple[str, ...]]] = {
    "the frame of its steps, each of which is judged": {
        "apply.pml": ("Apply",),
        "consume.pml": ("Consumer", "Zombie", "(by the zombie)", "end_batch"),
        "faults.pml": ("RedisFaults",),
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
        "faults.pml": (
            "Administrator",
            "POST /campaigns again: OPENED",
            "POST /campaigns again: coupon:epoch is known",
        ),
        "rebuild.pml": ("discard",),
    },
    "it changes nothing: a process gives up, or is killed": {
        "apply.pml": ("user %d: not confirmed", "user %d: 503, or killed"),
        "consume.pml": ("consumer: killed",),
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
        "consume.pml": ("consumer: polls",),
        "rebuild.pml": (
            "read_failed",
            "rebuild: reads failed_event",
            "rebuild: reads the group's offsets",
            "rebuild: reads the topic",
            "rebuild: reads coupon",
        ),
        "redrive.pml": ("redrive: takes user %d, serial %d",),
    },
    "a replica tells only its primary; what was confirmed without it shows in a response": {
        "apply.pml": ("user %d: a replica has taken the confirmation",),
    },
    "Kafka keeps the group's offsets to itself; a rebuild shows what was committed too early": {
        "consume.pml": ("commit_offset", "consumer: offset committed"),
    },
}
