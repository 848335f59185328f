"""All that strategy knows of one customer: the unit that is loaded, folded and saved as one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from services.strategy.domain.account import Account
from services.strategy.domain.case import Case
from services.strategy.domain.decision import CaseView
from services.strategy.domain.history import History
from services.strategy.domain.hold import Hold
from services.strategy.domain.identity import case_id
from services.strategy.domain.promise import Promise
from services.strategy.domain.raised import Owed
from services.strategy.domain.repayment import Repayment
from services.strategy.domain.treatment import Treatment


@dataclass(slots=True)
class Customer:
    """The parts are immutable and replaced one by one, so that whoever saves sees by identity which are new.

    `cases` holds the open or last case by its number, and those before it that were closed since loading; `treatments`
    those of the last case and any older one news came of. Where nothing is going to be decided, those that neither are
    outstanding nor have news may be missing.
    `next_decision_on` is the first day whose end has something to decide; None when only news can bring it.
    """

    customer_id: str
    accounts: dict[str, Account] = field(default_factory=dict)
    cases: dict[int, Case] = field(default_factory=dict)
    treatments: dict[str, Treatment] = field(default_factory=dict)
    promises: dict[str, Promise] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    repayments: dict[tuple[str, str], Repayment] = field(default_factory=dict)
    next_decision_on: date | None = None

    @property
    def case(self) -> Case | None:
        """The open case, or the last one."""
        return self.cases[max(self.cases)] if self.cases else None

    def keep(self, case: Case) -> Case:
        """Put a case in the place its number gives it."""
        self.cases[case.number] = case
        return case

    @property
    def open_case(self) -> Case | None:
        """The case being worked, if there is one."""
        case = self.case
        return case if case is not None and case.open else None

    @property
    def case_id(self) -> str:
        """The open or last case; before the first one, the id that it will have."""
        case = self.case
        return case.case_id if case is not None else case_id(self.customer_id, 1)

    def delinquent_accounts(self) -> list[Account]:
        """Accounts the case is about, in a fixed order."""
        return [self.accounts[key] for key in sorted(self.accounts) if self.accounts[key].delinquent]

    def active_holds(self) -> list[Hold]:
        """Holds that stop treatments now."""
        return [hold for hold in self.holds.values() if hold.active]

    def open_promises(self) -> list[Promise]:
        """Promises not judged yet."""
        return [promise for promise in self.promises.values() if promise.state == "open"]

    def case_treatments(self) -> tuple[Treatment, ...]:
        """Treatments of the open or last case, oldest first."""
        case = self.case_id
        own = [treatment for treatment in self.treatments.values() if treatment.case_id == case]
        return tuple(sorted(own, key=lambda t: (t.decided_on, t.treatment_id)))

    def to_be_decided(self) -> bool:
        """There may be something to decide: a case to open, work, or close, or a promise to judge."""
        return (
            self.open_case is not None
            or any(account.delinquent for account in self.accounts.values())
            or bool(self.open_promises())
        )

    def look_again_on(self, on: date | None) -> None:
        """See that the customer is decided on at the end of that day or before."""
        if on is not None and (self.next_decision_on is None or on < self.next_decision_on):
            self.next_decision_on = on

    def view(self, on: date) -> CaseView:
        """What a decision on that day may look at."""
        delinquent = self.delinquent_accounts()
        oldest = max(delinquent, key=lambda a: (a.days_past_due_on(on), a.arrears_minor), default=None)
        promises = self.promises.values()
        return CaseView(
            days_past_due=oldest.days_past_due_on(on) if oldest else 0,
            bucket=oldest.bucket if oldest else "current",
            arrears=totals(delinquent),
            products=frozenset(account.product for account in delinquent),
            history=History.of(self.case_treatments()),
            holds=tuple(self.active_holds()),
            promise_judged_on=max((p.judge_on for p in promises if p.state == "open"), default=None),
            broken_promises=sum(p.state == "broken" and p.case_id == self.case_id for p in promises),
        )


def owed(accounts: Iterable[Account], on: date) -> tuple[Owed, ...]:
    """The accounts as a published event shows them."""
    return tuple(
        Owed(a.account_id, a.arrears_minor, a.currency, a.days_past_due_on(on), a.bucket, a.version) for a in accounts
    )


def totals(accounts: Iterable[Account]) -> dict[str, int]:
    """Arrears in minor units, one sum a currency."""
    sums: dict[str, int] = {}
    for account in accounts:
        sums[account.currency] = sums.get(account.currency, 0) + account.arrears_minor
    return sums
