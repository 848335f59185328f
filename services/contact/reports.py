"""What is known of attempts, whoever says it: the sending itself, a receipt, the provider when asked, a person.

One way to write it down, in any order and any number of times, with the events that follow from each change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from services.contact import translate
from services.contact.channels.port import Handed, Went
from services.contact.domain.attempt import State, after_report
from services.contact.store import attempts
from services.contact.store.attempts import Moved
from shared.messaging import Transaction
from shared.vocabulary.errors import Rejected


@dataclass(frozen=True, slots=True)
class Report:
    """One statement about one attempt; `handed_over` where it proves that the provider had the message."""

    attempt_id: str
    state: State
    handed_over: bool = False
    provider_id: str | None = None
    reason: str | None = None
    worker: int | None = None
    """Who says so, where it is the process that sent it."""
    try_later: bool = False
    """Not sent for a reason of this message's own: it waits a while, the others do not."""


TRY_AGAIN_AFTER: Final = timedelta(minutes=15)
_STATES: Final = {
    Went.ACCEPTED: State.SENT, Went.DELIVERED: State.DELIVERED, Went.REFUSED: State.FAILED,
    Went.LATER: State.NOT_SENT, Went.NOT_SENT: State.NOT_SENT, Went.UNKNOWN: State.UNKNOWN,
}  # fmt: skip


def report_of(attempt_id: str, handed: Handed, worker: int | None = None) -> Report:
    """A channel's answer as a report. A refusal with a provider's id came after the message was taken."""
    taken = handed.went in (Went.ACCEPTED, Went.DELIVERED) or handed.provider_id is not None
    later = handed.went is Went.LATER
    return Report(attempt_id, _STATES[handed.went], taken, handed.provider_id, handed.reason, worker, later)


async def apply(tx: Transaction, reports: Sequence[Report]) -> list[State | None]:
    """Move the attempts and their contacts, emit what follows; the attempt's state after each report.

    None for a report on an attempt we do not have, or that carries another message's provider id: it is left out.
    """
    rows = await attempts.lock(tx.connection, [report.attempt_id for report in reports])
    moved: dict[str, Moved] = {}
    states: list[State | None] = []
    for report in reports:
        row = rows.get(report.attempt_id)
        if row is None or _of_another(report, row):
            states.append(None)
            continue
        before = State(moved[report.attempt_id].state if report.attempt_id in moved else row.state)
        after = before if _outdated(report, row) else after_report(before, report.state)
        states.append(after)
        if after is before:
            continue
        due_at = tx.now + TRY_AGAIN_AFTER if report.try_later else None
        moved[report.attempt_id] = Moved(
            report.attempt_id, after, report.provider_id, reason=report.reason, due_at=due_at
        )
        _emit(tx, row, report, before, after)
    if moved:
        await attempts.move(tx.connection, list(moved.values()))
    return states


async def receive(tx: Transaction, reports: Sequence[Report]) -> list[State | Rejected]:
    """Receipts as commands: the attempt's state after each, or the refusal of one about no message of ours."""
    return [state or _not_ours() for state in await apply(tx, reports)]


def _not_ours() -> Rejected:
    return Rejected("attempt_not_found", "no attempt of that id and message was ever made")


def _of_another(report: Report, row: Any) -> bool:
    """Whether the report carries another provider id than the attempt is known by: it is not about this attempt."""
    return bool(report.provider_id and row.provider_id and report.provider_id != row.provider_id)


def _outdated(report: Report, row: Any) -> bool:
    """Whether a process says that it did not send, or does not know, what another has since taken over."""
    taken_over = report.worker is not None and report.worker != row.worker
    return taken_over and report.state in (State.NOT_SENT, State.UNKNOWN)


def _emit(tx: Transaction, row: Any, report: Report, before: State, after: State) -> None:
    first = before in (State.PENDING, State.UNKNOWN, State.NOT_SENT)
    if first and report.handed_over:
        tx.emit(translate.attempted(row), subject=row.customer_id, key=row.customer_id)
    if after is State.DELIVERED:
        tx.emit(translate.delivered(row, tx.now), subject=row.customer_id, key=row.customer_id)
    if after is State.FAILED:
        event = translate.failed(row, tx.now, report.reason or "failed", row.attempt_id)
        tx.emit(event, subject=row.customer_id, key=row.customer_id)


async def settle(tx: Transaction, attempt_id: str, state: State, by: str) -> State:
    """A person's finding about an attempt of unknown fate; Rejected when there is none such, or it is known."""
    row = (await attempts.lock(tx.connection, [attempt_id])).get(attempt_id)
    if row is None:
        raise _not_ours()
    if row.state not in (State.UNKNOWN, state):
        raise Rejected("attempt_conflict", f"this attempt is not unknown: it is {row.state}")
    found = Report(attempt_id, state, state is State.SENT, reason=translate.wire_name(f"resolved_by_{by}"))
    return (await apply(tx, [found]))[0] or state
