"""What collectors report of calls: checked, written down and told to the others, many in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from services.contact import consents, translate
from services.contact.domain.calls import CallOutcome, CallReport, check_report
from services.contact.domain.facts import Held, Statement
from services.contact.domain.known import Customer
from services.contact.identity import derived_id
from services.contact.store import attempts, calls, projections
from services.contact.store.attempts import Moved
from shared.contracts.fields import Contract
from shared.messaging import Transaction
from shared.vocabulary.errors import Rejected

PROVISIONAL_HOLD: Final = timedelta(days=1)
"""How long a dispute or complaint stops contact here by itself, until strategy has placed its own hold."""

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filed:
    """One collector's report of one call; `body` is the report as it came, which a repeat must equal."""

    contact_id: str
    collector: str
    report: CallReport
    body: dict[str, Any]


async def report_calls(tx: Transaction, filed: Sequence[Filed]) -> list[Answer | Rejected]:
    """Write down the outcomes of leased calls. The same body again gets the same answer.

    Rejected, leaving no trace: no such task, another outcome already reported, a lease that is another's or has run
    out, or a report that contradicts itself or the books.
    """
    tasks = await calls.lock(tx.connection, {one.contact_id for one in filed})
    customers = await projections.load_customers(tx.connection, {task.customer_id for task in tasks.values()}, tx.now)
    desk = _Desk(tx, tasks, customers)
    answers = [desk.answer(one) for one in filed]
    await desk.save()
    return answers


@dataclass
class _Desk:
    """One batch of reports: what they say is gathered first, and written at the end."""

    tx: Transaction
    tasks: Mapping[str, Any]
    customers: Mapping[str, Customer]
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    moved: list[Moved] = field(default_factory=list)
    promises: list[dict[str, Any]] = field(default_factory=list)
    holds: list[Held] = field(default_factory=list)
    said: dict[tuple[str, str], Statement] = field(default_factory=dict)

    def answer(self, filed: Filed) -> Answer | Rejected:
        """The answer to one report."""
        try:
            return self._repeated(filed) or self._taken(filed)
        except Rejected as refusal:
            return refusal

    async def save(self) -> None:
        """Write everything down."""
        connection = self.tx.connection
        if self.moved:
            await attempts.move(connection, self.moved)
            await calls.save_reports(connection, list(self.reports.values()))
        if self.promises:
            await projections.add_promises(connection, self.promises)
        if self.holds:
            await projections.save_holds(connection, self.holds)
        if self.said:
            await consents.say(self.tx, self.said.values())

    def _repeated(self, filed: Filed) -> Answer | None:
        """The answer given before, in this batch or ever; None for a first report."""
        task = self.tasks.get(filed.contact_id)
        if task is None:
            raise Rejected("call_task_not_found", "no call task of that id was ever handed out")
        known = self.reports.get(filed.contact_id) or {"report": task.report, "answer": task.answer}
        if known["report"] is None:
            return None
        if known["report"] != filed.body:
            raise Rejected("outcome_conflict", "another outcome was already reported for this call")
        answer: Answer = known["answer"]
        return answer

    def _taken(self, filed: Filed) -> Answer:
        task, report = self.tasks[filed.contact_id], filed.report
        _check_lease(task, filed.collector, self.tx)
        check_report(report, owed=_owed(self.customers[task.customer_id]), today=self.tx.now.date())
        self.moved.append(Moved(task.attempt_id, "sent", outcome=report.outcome))
        self._tell(task, translate.attempted(task, report.outcome))
        if report.outcome is CallOutcome.RIGHT_PARTY:
            self._tell(task, translate.right_party(task, self.tx.now))
        answer = {"contact_id": task.contact_id, "outcome": report.outcome, "reported_at": self.tx.now.isoformat()}
        answer |= self._promise(task, report) | self._objections(task, report)
        for channel in report.opt_out:
            said = Statement(task.customer_id, channel, "", False, self.tx.now)
            self.said[task.customer_id, channel] = said
        self.reports[task.contact_id] = {"contact_id": task.contact_id, "report": filed.body, "answer": answer}
        return answer

    def _promise(self, task: Any, report: CallReport) -> Answer:
        if report.promise is None:
            return {}
        promise, promise_id = report.promise, derived_id("promise", task.contact_id)
        self.promises.append(
            {
                "promise_id": promise_id, "customer_id": task.customer_id, "case_id": task.case_id,
                "contact_id": task.contact_id, "amount_minor": promise.amount_minor, "currency": promise.currency,
                "due_on": promise.due_on, "made_at": self.tx.now,
            }
        )  # fmt: skip
        self._tell(task, translate.promise_made(promise_id, task, task.contact_id, promise, self.tx.now))
        return {"promise_id": promise_id}

    def _objections(self, task: Any, report: CallReport) -> Answer:
        """Disputes and complaints stop contact here at once: the hold that strategy places takes a moment to come."""
        answer: Answer = {}
        if report.dispute is not None:
            answer["dispute_id"] = derived_id("dispute", task.contact_id)
            self._tell(task, translate.disputed(answer["dispute_id"], task, report, self.tx.now))
        if report.complaint is not None:
            answer["complaint_id"] = derived_id("complaint", task.contact_id)
            self._tell(task, translate.complained(answer["complaint_id"], task, report, self.tx.now))
        until_on = self.tx.now.date() + PROVISIONAL_HOLD
        for name, one in answer.items():
            self.holds.append(Held(f"provisional-{one}", task.customer_id, name.removesuffix("_id"), until_on))
        return answer

    def _tell(self, task: Any, event: Contract) -> None:
        self.tx.emit(event, subject=task.customer_id, key=task.customer_id)


def _check_lease(task: Any, collector: str, tx: Transaction) -> None:
    if task.leased_until is None or task.leased_until <= tx.now or task.state != "pending":
        raise Rejected("lease_expired_conflict", "the lease of this task has run out; ask for the next task")
    if task.collector != collector:
        raise Rejected("lease_conflict", "this task is leased to another collector")


def _owed(customer: Customer) -> dict[str, int]:
    owed: dict[str, int] = {}
    for balance in customer.balances.values():
        owed[balance.currency] = owed.get(balance.currency, 0) + balance.arrears_minor
    return owed
