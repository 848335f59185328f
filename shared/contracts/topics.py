"""Which topics there are, how they are keyed, and which events each carries: the index of the system's traffic."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from shared.contracts import banking, collections, delinquency, outcomes
from shared.contracts.fields import Contract

Key = Literal["account", "customer", "none"]


@dataclass(frozen=True)
class Topic:
    """One Kafka topic. A broadcast topic has one partition, read whole by every shard of its consumers."""

    name: str
    key: Key
    publisher: str
    consumers: tuple[str, ...]
    contracts: tuple[type[Contract], ...]
    broadcast: bool = False

    @cached_property
    def types(self) -> dict[str, type[Contract]]:
        """CloudEvents type -> contract, for every event of the topic."""
        return {event_type(self.name, contract): contract for contract in self.contracts}

    @property
    def dead_letter(self) -> str:
        """Where records of this topic go that a service refused."""
        return f"{self.name}.dead-letter"


def key_of(data: Contract, topic: Topic) -> str | None:
    """The account or customer an event belongs to on its topic; None where it is keyed by neither."""
    return getattr(data, f"{topic.key}_id", None)


def event_type(topic: str, contract: type[Contract]) -> str:
    """`arrears.<last word of the topic>.<EventName>.v1`."""
    return f"arrears.{topic.rsplit('.', 1)[-1]}.{contract.__name__}.v1"


TOPICS: Final = (
    Topic("banking.accounts", "account", "core", ("ingest", "reporting"), (
        banking.AccountOpened, banking.AccountReaged, banking.AccountReageUndone, banking.AccountWrittenOff,
        banking.AccountClosed, banking.DelinquencyPaused, banking.DelinquencyResumed)),
    Topic("banking.customers", "customer", "core", ("contact", "reporting"), (
        banking.CustomerUpdated, banking.ConsentGiven, banking.ConsentWithdrawn)),
    Topic("banking.billing", "account", "core", ("ingest",), (
        banking.BillIssued, banking.BillAdjusted, banking.BillCancelled, banking.BalanceReported)),
    Topic("banking.repayments", "account", "core", ("ingest",), (
        banking.RepaymentReceived, banking.RepaymentReversed, banking.RepaymentChargedBack)),
    Topic("banking.calendar", "none", "core", ("ingest",), (
        banking.BusinessDayClosed, banking.ClockAdvanced), broadcast=True),
    Topic("delinquency.status", "customer", "ingest", ("strategy", "contact", "reporting"), (
        delinquency.DelinquencyEntered, delinquency.DelinquencyRolled, delinquency.ArrearsChanged,
        delinquency.DelinquencyCured, delinquency.RepaymentApplied, delinquency.PortfolioAged)),
    Topic("collections.treatments", "customer", "strategy", ("contact", "reporting"), (
        collections.ContactRequested, collections.ContactWithdrawn)),
    Topic("collections.cases", "customer", "strategy", ("contact", "reporting"), (
        collections.CaseOpened, collections.StrategyAssigned, collections.TreatmentDecided, collections.PromiseKept,
        collections.PromiseBroken, collections.HoldPlaced, collections.HoldReleased, collections.Placed,
        collections.Recalled, collections.LegalStepTaken, collections.CaseClosed)),
    Topic("contact.outcomes", "customer", "contact", ("strategy", "reporting"), (
        outcomes.ContactAttempted, outcomes.ContactDelivered, outcomes.ContactFailed, outcomes.ContactSuppressed,
        outcomes.RightPartyReached, outcomes.PromiseMade, outcomes.DisputeRaised, outcomes.ComplaintReceived,
        outcomes.ConsentChanged)),
)  # fmt: skip

BY_NAME: Final = {topic.name: topic for topic in TOPICS}
TOPIC_OF: Final[dict[type[Contract], Topic]] = {contract: topic for topic in TOPICS for contract in topic.contracts}
TYPE_OF: Final[dict[type[Contract], str]] = {c: event_type(topic.name, c) for c, topic in TOPIC_OF.items()}
