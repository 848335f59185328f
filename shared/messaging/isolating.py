"""Finds the records of a batch that cannot be applied, by halving it until each culprit is alone."""

from collections.abc import Callable, Sequence

from shared.messaging import retry
from shared.messaging.stream import Handler, Received
from shared.messaging.transaction import Transaction
from shared.vocabulary.errors import Rejected

Blame = Callable[[Exception], Rejected | None]
"""What an error says against a record; None when it is not the record's fault."""


async def isolate(handle: Handler, events: Sequence[Received], tx: Transaction, blame: Blame) -> None:
    """Apply all that can be applied; each culprit is rejected with what its error says, any other error is raised."""
    mark = tx.mark()
    try:
        async with tx.connection.begin_nested():
            await handle(events, tx)
    except Exception as error:
        refusal = blame(error)
        if refusal is None:
            raise
        tx.rewind(mark)
        if len(events) == 1:
            tx.reject(events[0], refusal.reason, refusal.detail)
            return
        middle = len(events) // 2
        await isolate(handle, events[:middle], tx, blame)
        await isolate(handle, events[middle:], tx, blame)


def bad_data(error: Exception) -> Rejected | None:
    """The database refuses a value; the kind of refusal only: the driver's text may quote the value."""
    if not retry.is_bad_data(error):
        return None
    original = getattr(error, "orig", None) or error
    kind = type(original.__cause__ or original).__name__
    return Rejected("database_refused", f"the database refused a value of this event ({kind})")
