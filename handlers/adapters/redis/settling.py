"""Reports to Redis what MySQL has stored, with the pseudonyms of users where it asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.scripts import Script
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from handlers.adapters.redis.scripts import Call, Scripts
    from handlers.domain.pseudonyms import Pseudonyms
    from handlers.domain.settlement import SettledAs, Settlement

    Part = tuple[str, SettledAs, int, Sequence[str], Sequence[int]]

SETTLE = Script("admission/settle")

# A script blocks every other client of the server: 1,000 users take it about a millisecond.
SETTLE_USERS_MAX = 1000
# The script's reply where it needs pseudonyms, and the state with which they are sent.
UNAWARE, PSEUDONYMOUS = -1, "pseudonymous"


def no_pseudonyms() -> Pseudonyms:
    """Raise UnavailableError: this process has no secret for the pseudonyms of erased users."""
    message = "no secret for the pseudonyms of erased users"
    raise UnavailableError(message)


def settle(
    scripts: Scripts, pseudonyms: Callable[[], Pseudonyms], settlements: Iterable[Settlement]
) -> None:
    """Report settlements; may be repeated. In one round trip, or two with erased users.

    Raises UnavailableError when Redis did not take all of it.
    """
    parts = _parts(settlements)
    checks = scripts.checks_epoch
    replies = scripts.run_all(SETTLE, [_call(checks, part) for part in parts])
    unaware = [
        part
        for part, reply in zip(parts, replies, strict=True)
        if isinstance(reply, list) and reply[0] == UNAWARE
    ]
    if unaware:
        known = pseudonyms()
        named = [_call(checks, part, known) for part in unaware]
        replies += scripts.run_all(SETTLE, named)
    for reply in replies:
        if isinstance(reply, UnavailableError):
            raise reply


def _parts(settlements: Iterable[Settlement]) -> list[Part]:
    """Return what one call of the script takes each, of one campaign, state and fence."""
    groups: dict[tuple[str, SettledAs, int], tuple[list[str], list[int]]] = {}
    for campaign_id, user_id, serial, state, fence in settlements:
        users, serials = groups.setdefault((campaign_id, state, fence), ([], []))
        users.append(user_id)
        serials.append(serial)
    return [
        (*of, users[start : start + SETTLE_USERS_MAX], serials[start : start + SETTLE_USERS_MAX])
        for of, (users, serials) in groups.items()
        for start in range(0, len(users), SETTLE_USERS_MAX)
    ]


def _call(checks: str, part: Part, pseudonyms: Pseudonyms | None = None) -> Call:
    campaign_id, state, fence, users, serials = part
    keys = CampaignKeys.of(campaign_id).all()
    if pseudonyms is None:
        return keys, (state, checks, fence, *users, *serials)
    named = [pseudonyms.of(campaign_id, user) for user in users]
    return keys, (PSEUDONYMOUS, checks, fence, *users, *serials, *named)
