"""Facts as Kafka records: each a CloudEvent built as text, since a model object an event would cost most of the time.

A test holds every one of these templates to the contracts of the services.
"""

from datetime import date
from typing import Final, NamedTuple

from deploy.local.portfolio.accounts import Account
from deploy.local.portfolio.people import Customer

SOURCE: Final = "core-banking"
_CLOCK: Final = tuple(f"T{12 + n // 60:02d}:{n % 60:02d}:00Z" for n in range(480))
"""Facts are recorded between noon and eight in the evening, before the day is closed."""


class Record(NamedTuple):
    """What goes to Kafka."""

    topic: str
    key: bytes | None
    value: bytes


def decimal(minor: int) -> str:
    """Minor units as text; every currency of the book has two decimals."""
    return f"{minor // 100}.{minor % 100:02d}"


class Writer:
    """Writes one day's facts, numbering them through the whole history."""

    def __init__(self) -> None:
        self.serial = 0
        self._day = ""

    def begin(self, day: date) -> None:
        """The recording date of what follows."""
        self._day = day.isoformat()

    def event(self, kind: str, subject: str, data: str) -> bytes:
        """One event with the next number; `data` is the inside of a JSON object."""
        self.serial = serial = self.serial + 1
        return (
            f'{{"specversion":"1.0","id":"core-{serial:09d}","source":"{SOURCE}","type":"arrears.{kind}.v1",'
            f'"subject":"{subject}","time":"{self._day}{_CLOCK[serial % 480]}",'
            f'"datacontenttype":"application/json","data":{{{data}}}}}'
        ).encode()

    def bill(self, a: Account, bill_id: str, minor: int, issued_on: date, due_on: date) -> Record:
        """BillIssued."""
        kind = "instalment" if a.kind == "loan" else "minimum_payment"
        return self._billing(
            a, "BillIssued",
            f'"bill_id":"{bill_id}","kind":"{kind}","amount":{_money(a, minor)},'
            f'"issued_on":"{issued_on}","due_on":"{due_on}"',
        )  # fmt: skip

    def adjusted(self, a: Account, bill_id: str, minor: int, on: date) -> Record:
        """BillAdjusted."""
        return self._billing(
            a, "BillAdjusted",
            f'"bill_id":"{bill_id}","adjustment_id":"{bill_id}-1","amount":{_money(a, minor)},"effective_on":"{on}"',
        )  # fmt: skip

    def cancelled(self, a: Account, bill_id: str, on: date) -> Record:
        """BillCancelled."""
        return self._billing(a, "BillCancelled", f'"bill_id":"{bill_id}","effective_on":"{on}"')

    def balance(self, a: Account, minor: int, on: date) -> Record:
        """BalanceReported."""
        return self._billing(
            a, "BalanceReported",
            f'"balance_id":"{a.id}-{on}","exposure":{_money(a, minor)},"effective_on":"{on}"',
        )  # fmt: skip

    def repayment(self, a: Account, minor: int, on: date, channel: str) -> tuple[str, Record]:
        """RepaymentReceived, and its id."""
        repayment_id = f"R{self.serial + 1:09d}"
        return repayment_id, self._repaid(
            a, "RepaymentReceived", repayment_id,
            f'"amount":{_money(a, minor)},"effective_on":"{on}","channel":"{channel}"',
        )  # fmt: skip

    def reversed(self, a: Account, repayment_id: str, on: date) -> Record:
        """RepaymentReversed."""
        return self._repaid(
            a, "RepaymentReversed", repayment_id, f'"effective_on":"{on}","reason":"insufficient funds"'
        )  # fmt: skip

    def charged_back(self, a: Account, repayment_id: str, on: date) -> Record:
        """RepaymentChargedBack."""
        return self._repaid(
            a, "RepaymentChargedBack", repayment_id, f'"effective_on":"{on}","reason":"disputed by the cardholder"'
        )  # fmt: skip

    def opened(self, a: Account, on: date) -> Record:
        """AccountOpened."""
        amount = "principal" if a.kind == "loan" else "limit"
        return self._account(
            a, "AccountOpened",
            f'"customer_id":"{a.customer.id}","product":"{a.product}","currency":"{a.currency}",'
            f'"policy":"{a.policy}","opened_on":"{on}","{amount}":{_money(a, a.credit_minor)}',
        )  # fmt: skip

    def closed(self, a: Account, on: date) -> Record:
        """AccountClosed."""
        return self._account(a, "AccountClosed", f'"effective_on":"{on}"')

    def written_off(self, a: Account, minor: int, on: date) -> Record:
        """AccountWrittenOff."""
        return self._account(a, "AccountWrittenOff", f'"amount":{_money(a, minor)},"effective_on":"{on}"')

    def reaged(self, a: Account, reage_id: str, on: date, undone: bool = False) -> Record:
        """AccountReaged or AccountReageUndone."""
        name = "AccountReageUndone" if undone else "AccountReaged"
        return self._account(a, name, f'"reage_id":"{reage_id}","effective_on":"{on}"')

    def paused(self, a: Account, pause_id: str, on: date, until: date | None) -> Record:
        """DelinquencyPaused."""
        end = f',"until_on":"{until}"' if until else ""
        return self._account(a, "DelinquencyPaused", f'"pause_id":"{pause_id}","from_on":"{on}"{end}')

    def resumed(self, a: Account, pause_id: str, on: date) -> Record:
        """DelinquencyResumed."""
        return self._account(a, "DelinquencyResumed", f'"pause_id":"{pause_id}","on":"{on}"')

    def customer(self, c: Customer) -> Record:
        """CustomerUpdated."""
        points = [f'{{"kind":"{kind}","value":"{value}"}}' for kind, value in _reached(c) if value]
        place = "".join(f',"{name}":"{value}"' for name, value in _placed(c) if value)
        return self._customer(
            c, "CustomerUpdated",
            f'"customer_id":"{c.id}","revision":1,"name":"{c.name}","language":"{c.place.language}"{place},'
            f'"contact_points":[{",".join(points)}]',
        )  # fmt: skip

    def consent(self, c: Customer, channel: str, given: bool) -> Record:
        """ConsentGiven or ConsentWithdrawn, effective at its recording."""
        name = "ConsentGiven" if given else "ConsentWithdrawn"
        at = f"{self._day}{_CLOCK[0]}"
        return self._customer(
            c, name, f'"customer_id":"{c.id}","channel":"{channel}","effective_at":"{at}"'
        )  # fmt: skip

    def _billing(self, a: Account, name: str, data: str) -> Record:
        value = self.event(f"billing.{name}", a.id, f'"account_id":"{a.id}",{data}')
        return Record("banking.billing", a.key, value)

    def _repaid(self, a: Account, name: str, repayment_id: str, data: str) -> Record:
        body = f'"account_id":"{a.id}","repayment_id":"{repayment_id}",{data}'
        return Record("banking.repayments", a.key, self.event(f"repayments.{name}", a.id, body))

    def _account(self, a: Account, name: str, data: str) -> Record:
        value = self.event(f"accounts.{name}", a.id, f'"account_id":"{a.id}",{data}')
        return Record("banking.accounts", a.key, value)

    def _customer(self, c: Customer, name: str, data: str) -> Record:
        return Record("banking.customers", c.id.encode(), self.event(f"customers.{name}", c.id, data))


def _money(a: Account, minor: int) -> str:
    return f'{{"amount":"{minor // 100}.{minor % 100:02d}","currency":"{a.currency}"}}'


def _reached(c: Customer) -> tuple[tuple[str, str | None], ...]:
    return (("mobile", c.mobile), ("email", c.email), ("postal", f"{c.number % 90 + 1} High Street"))


def _placed(c: Customer) -> tuple[tuple[str, str | None], ...]:
    return (("time_zone", c.time_zone), ("region", c.region))
