"""What a collector reports of a call, checked, written down and told to the others in one transaction."""

from datetime import timedelta
from typing import Any, Final

from services.contact import translate
from services.contact.domain.calls import CallOutcome, CallReport, check_report
from services.contact.domain.facts import Held, Statement
from services.contact.identity import derived_id
from services.contact.store import attempts, calls, projections
from services.contact.store.attempts import Moved
from shared.contracts.fields import Contract
from shared.messaging import Transaction
from shared.vocabulary.errors import Rejected

PROVISIONAL_HOLD: Final = timedelta(days=1)
"""How long a dispute or complaint stops contact here by itself, until strategy has placed its own hold."""

Answer = dict[str, Any]


async def report_call(
    tx: Transaction, contact_id: str, collector: str, report: CallReport, body: dict[str, Any]
) -> Answer:
    """Write down the outcome of a leased call. The same body again gets the same answer.

    Rejected: no such task, another outcome already reported, a lease that is another's or has run out, or a report
    that contradicts itself or the books.
    """
    task = await calls.lock(tx.connection, contact_id)
    if task is None:
        raise Rejected("call_task_not_found", "no call task of that id was ever handed out")
    if task.report is not None:
        if task.report != body:
            raise Rejected("outcome_conflict", "another outcome was already reported for this call")
        answer: Answer = task.answer
        return answer
    _check_lease(task, collector, tx)
    customer = (await projections.load_customers(tx.connection, [task.customer_id], tx.now))[task.customer_id]
    owed: dict[str, int] = {}
    for balance in customer.balances.values():
        owed[balance.currency] = owed.get(balance.currency, 0) + balance.arrears_minor
    check_report(report, owed=owed, today=tx.now.date())
    answer = await _written(tx, task, report)
    await calls.save_report(tx.connection, contact_id, body, answer)
    return answer


def _check_lease(task: Any, collector: str, tx: Transaction) -> None:
    if task.leased_until is None or task.leased_until <= tx.now or task.state != "pending":
        raise Rejected("lease_expired_conflict", "the lease of this task has run out; ask for the next task")
    if task.collector != collector:
        raise Rejected("lease_conflict", "this task is leased to another collector")


async def _written(tx: Transaction, task: Any, report: CallReport) -> Answer:
    row = (await attempts.lock(tx.connection, [task.attempt_id]))[task.attempt_id]
    await attempts.move(tx.connection, [Moved(row.attempt_id, "sent", outcome=report.outcome)])
    _emit(tx, row, translate.attempted(row, report.outcome))
    if report.outcome is CallOutcome.RIGHT_PARTY:
        _emit(tx, row, translate.right_party(row, tx.now))
    answer: Answer = {"contact_id": row.contact_id, "outcome": report.outcome, "reported_at": tx.now.isoformat()}
    answer |= await _promise(tx, row, report)
    answer |= await _objections(tx, row, report)
    await opt_out(tx, row.customer_id, report.opt_out)
    return answer


async def _promise(tx: Transaction, row: Any, report: CallReport) -> Answer:
    if report.promise is None:
        return {}
    promise_id = derived_id("promise", row.contact_id)
    await projections.add_promise(
        tx.connection, promise_id=promise_id, customer_id=row.customer_id, case_id=row.case_id,
        contact_id=row.contact_id, amount_minor=report.promise.amount_minor, currency=report.promise.currency,
        due_on=report.promise.due_on, made_at=tx.now,
    )  # fmt: skip
    _emit(tx, row, translate.promise_made(promise_id, row, row.contact_id, report.promise, tx.now))
    return {"promise_id": promise_id}


async def _objections(tx: Transaction, row: Any, report: CallReport) -> Answer:
    """Disputes and complaints stop contact here at once: the hold that strategy places takes a moment to come."""
    answer: Answer = {}
    if report.dispute is not None:
        answer["dispute_id"] = derived_id("dispute", row.contact_id)
        _emit(tx, row, translate.disputed(answer["dispute_id"], row, report, tx.now))
    if report.complaint is not None:
        answer["complaint_id"] = derived_id("complaint", row.contact_id)
        _emit(tx, row, translate.complained(answer["complaint_id"], row, report, tx.now))
    until_on = tx.now.date() + PROVISIONAL_HOLD
    holds = [
        Held(f"provisional-{one}", row.customer_id, name.removesuffix("_id"), until_on) for name, one in answer.items()
    ]
    if holds:
        await projections.save_holds(tx.connection, holds)
    return answer


async def opt_out(tx: Transaction, customer_id: str, channels: tuple[str, ...]) -> None:
    """The customer withdraws from channels, now."""
    said = [Statement(customer_id, channel, "", False, tx.now) for channel in dict.fromkeys(channels)]
    if not said:
        return
    for changed in await projections.save_consents(tx.connection, said):
        tx.emit(translate.consent_changed(changed), subject=customer_id, key=customer_id)


def _emit(tx: Transaction, row: Any, event: Contract) -> None:
    tx.emit(event, subject=row.customer_id, key=row.customer_id)
