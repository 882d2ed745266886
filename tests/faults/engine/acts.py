"""What people do in a history besides applying: shops, users who give back, an administrator.

Each act is asked for until it is answered, also where it was done and the answer was lost. One
actor does one act after the other; different actors cross each other.
"""

from __future__ import annotations

from dataclasses import dataclass

ADMIN = "admin"
SHOPS = ("shop-a", "shop-b")
# A reservation that is over within the history.
BRIEFLY_S, LONG_S = 1, 900
# Each call of a shop, with how long a reservation lasts.
RESERVATIONS = {"reserve": LONG_S, "reserve-briefly": BRIEFLY_S}
OF_SHOP = frozenset({*RESERVATIONS, "redeem", "release", "cancel"})
# With return_to_pool or without.
REVOCATIONS = {"revoke": False, "revoke-return": True}
GIVE_BACK, APPLY = "give-back", "apply"
CHANGES = frozenset({"quantity", "pause", "resume", "close", "extend"})
ONCE = "try"  # an act of a directed history that is asked for once


@dataclass(frozen=True, slots=True)
class Act:
    """One call. about: the user whose coupon it is, or the new quantity."""

    at_s: float
    actor: str
    verb: str
    about: str = ""
    once: bool = False

    def __str__(self) -> str:
        about = "" if self.about == self.actor else self.about
        return f"{self.actor} {self.verb} {about}".rstrip()

    @property
    def order_id(self) -> str:
        """The order of a shop: one for each coupon."""
        return f"{self.actor}-{self.about}"

    @classmethod
    def parse(cls, text: str) -> Act:
        """Read e.g. "shop-a redeem u3", "u3 apply", or "try u3 give-back", asked for once."""
        words = text.split()
        once = words[0] == ONCE
        actor, verb, *about = words[once:]
        whose = actor if verb in (GIVE_BACK, APPLY) else "".join(about)
        return cls(0.0, actor, verb, whose, once=once)
