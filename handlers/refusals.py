"""Stores how many applications this process has refused, and why: once a second."""

from __future__ import annotations

from handlers import log, operations
from handlers.domain.errors import UnavailableError
from handlers.domain.refusal_counts import REFUSALS


def store_due_refusals() -> None:
    """Do so if the last time is a second ago, for a home without a clock of its own."""
    if REFUSALS.is_due():
        store_refusals()


def store_refusals() -> None:
    """Add this process's counts to those in Redis; without Redis they are lost, and logged.

    They are not sent again, since Redis may have counted them and only the reply is missing.
    """
    counts = REFUSALS.take()
    if not counts:
        return
    try:
        operations.refusal_store().add(counts)
    except UnavailableError as error:
        lost = sum(by_reason.total() for by_reason in counts.values())
        log.exception("refusals are not counted", {"refusals": lost}, error)
