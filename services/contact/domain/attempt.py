"""The life of one attempt: what its states mean and how reports of it, in any order, move it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """Where one attempt stands. Only `not_sent` and `pending` may lead to (another) sending."""

    PENDING = "pending"
    """Decided and recorded; it may be on its way at this moment."""
    NOT_SENT = "not_sent"
    """It certainly never left; the contact is planned again and will have an attempt of its own."""
    UNKNOWN = "unknown"
    """It may have left: only the provider or a person can say."""
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"


_SETTLED: Final[Mapping[State, int]] = MappingProxyType({State.SENT: 1, State.FAILED: 2, State.DELIVERED: 3})


def after_report(state: State, reported: State) -> State:
    """The state once somebody who knows reported `reported`: reports move an attempt forward only.

    The result does not depend on the order of reports, nor on how often each comes: a late "sent" changes nothing
    after "delivered", and of "failed" and "delivered" the message that arrived counts.
    """
    if reported in _SETTLED:
        return reported if _SETTLED[reported] > _SETTLED.get(state, 0) else state
    if state is State.PENDING or (state is State.UNKNOWN and reported is State.NOT_SENT):
        return reported
    return state
