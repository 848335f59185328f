"""One example of every event, telling one small story: a loan, a missed instalment, a contact, a promise, a repayment.

They are shown in the generated documents and are what the contracts' own tests start from.
"""

from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

from shared.contracts import banking, collections, delinquency, outcomes
from shared.contracts.collections import AccountOwed
from shared.contracts.fields import Amount, Contract

ACCOUNT: Final = "ACC-1001"
CUSTOMER: Final = "CUS-501"
RECORDED_AT: Final = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)

_DAY: Final = date(2026, 3, 2)
_DUE: Final = date(2026, 2, 28)
_OWED: Final = Amount.of(12_050, "EUR")
_NOTHING: Final = Amount.of(0, "EUR")
_EXPOSURE: Final = Amount.of(480_000, "EUR")

_status: Final[dict[str, Any]] = {
    "account_id": ACCOUNT,
    "customer_id": CUSTOMER,
    "product": "personal-loan",
    "as_of": _DAY,
    "exposure": _EXPOSURE,
    "policy": "instalment",
    "policy_version": 1,
}
_overdue: Final[dict[str, Any]] = _status | {
    "days_past_due": 2,
    "bucket": "1-29",
    "delinquent": True,
    "delinquent_since": date(2026, 3, 1),
    "arrears": _OWED,
    "oldest_due_on": _DUE,
}
_settled: Final[dict[str, Any]] = _status | {
    "days_past_due": 0,
    "bucket": "current",
    "previous_bucket": "1-29",
    "delinquent": False,
    "arrears": _NOTHING,
}
_case: Final[dict[str, Any]] = {"case_id": "CASE-77", "customer_id": CUSTOMER}
_contact: Final[dict[str, Any]] = _case | {"contact_id": "CON-9001", "channel": "sms", "at": RECORDED_AT}
_attempt: Final[dict[str, Any]] = _contact | {"attempt_id": "ATT-1"}
_promise: Final[dict[str, Any]] = {"promise_id": "PRO-31", "promised_on": date(2026, 3, 5), "due_on": date(2026, 3, 12)}
_account_owed: Final = AccountOwed(account_id=ACCOUNT, arrears=_OWED, days_past_due=2, bucket="1-29")

_account: partial[dict[str, Any]] = partial(dict, account_id=ACCOUNT)

_BANKING: Final[tuple[Contract, ...]] = (
    banking.AccountOpened(
        **_account(customer_id=CUSTOMER, product="personal-loan", currency="EUR", policy="instalment"),
        classifications=("ifrs9",),
        opened_on=date(2025, 8, 31),
        principal=Amount.of(500_000, "EUR"),
        branch="Lyon 2",
        region="FR",
    ),
    banking.AccountReaged(**_account(reage_id="REA-1", effective_on=_DAY)),
    banking.AccountReageUndone(**_account(reage_id="REA-1", effective_on=_DAY)),
    banking.AccountWrittenOff(**_account(amount=_EXPOSURE, effective_on=date(2026, 9, 1))),
    banking.AccountClosed(**_account(effective_on=date(2028, 8, 31))),
    banking.DelinquencyPaused(**_account(pause_id="PAU-1", from_on=_DAY, until_on=date(2026, 4, 1))),
    banking.DelinquencyResumed(**_account(pause_id="PAU-1", on=date(2026, 3, 20))),
    banking.CustomerUpdated(
        customer_id=CUSTOMER,
        revision=3,
        name="A. Martin",
        language="fr",
        time_zone="Europe/Paris",
        region="FR",
        contact_points=(
            banking.ContactPoint(kind="mobile", value="+33612345678", verified_on=date(2025, 8, 31)),
            banking.ContactPoint(kind="email", value="a.martin@example.com"),
        ),
    ),
    banking.ConsentGiven(customer_id=CUSTOMER, channel="sms", effective_at=RECORDED_AT),
    banking.ConsentWithdrawn(
        customer_id=CUSTOMER, channel="email", value="a.martin@example.com", effective_at=RECORDED_AT
    ),
    banking.BillIssued(
        **_account(bill_id="BIL-6", kind="instalment", amount=_OWED, issued_on=date(2026, 2, 1), due_on=_DUE)
    ),
    banking.BillAdjusted(
        **_account(bill_id="BIL-6", adjustment_id="ADJ-1", amount=Amount.of(13_050, "EUR"), effective_on=_DAY)
    ),
    banking.BillCancelled(**_account(bill_id="BIL-6", effective_on=_DAY)),
    banking.BalanceReported(**_account(balance_id="BAL-2026-02", exposure=_EXPOSURE, effective_on=_DUE)),
    banking.RepaymentReceived(
        **_account(repayment_id="REP-12", amount=_OWED, effective_on=date(2026, 3, 12), channel="transfer")
    ),
    banking.RepaymentReversed(
        **_account(repayment_id="REP-12", effective_on=date(2026, 3, 14), reason="returned debit")
    ),
    banking.RepaymentChargedBack(**_account(repayment_id="REP-12", effective_on=date(2026, 3, 14))),
    banking.BusinessDayClosed(business_date=_DAY),
    banking.ClockAdvanced(now=RECORDED_AT),
)

_DELINQUENCY: Final[tuple[Contract, ...]] = (
    delinquency.DelinquencyEntered(
        **_overdue, version=4, previous_bucket="current", cause="ageing:2026-03-02", reason="ageing"
    ),
    delinquency.DelinquencyRolled(
        **_overdue | {"days_past_due": 30, "bucket": "30-59", "as_of": date(2026, 3, 30)},
        version=5,
        previous_bucket="1-29",
        cause="ageing:2026-03-30",
        reason="ageing",
    ),
    delinquency.ArrearsChanged(**_overdue, version=6, previous_bucket="1-29", cause="core-88124", reason="adjustment"),
    delinquency.DelinquencyCured(**_settled, version=8, cause="core-90210", reason="repayment", through="repayment"),
    delinquency.RepaymentApplied(
        **_settled,
        version=7,
        cause="core-90210",
        reason="repayment",
        repayment_id="REP-12",
        amount=_OWED,
        applied_to_arrears=_OWED,
        effective_on=date(2026, 3, 12),
    ),
    delinquency.PortfolioAged(business_date=_DAY, source_shard=0, source_shards=4),
)

_COLLECTIONS: Final[tuple[Contract, ...]] = (
    collections.ContactRequested(
        **_case,
        contact_id="CON-9001",
        treatment_id="TRE-1",
        channel="sms",
        template="early-reminder",
        accounts=(_account_owed,),
        arrears=(_OWED,),
        days_past_due=2,
        requested_at=RECORDED_AT,
        expires_at=datetime(2026, 3, 6, 9, 30, tzinfo=UTC),
    ),
    collections.ContactWithdrawn(**_case, contact_id="CON-9001", reason="cured"),
    collections.CaseOpened(**_case, opened_on=_DAY, accounts=(_account_owed,)),
    collections.StrategyAssigned(**_case, strategy="default", strategy_version=1, arm="control"),
    collections.TreatmentDecided(
        **_case,
        treatment_id="TRE-1",
        step="early-reminder",
        rule="first contact by SMS",
        strategy="default",
        strategy_version=1,
        decided_on=_DAY,
        inputs={"days_past_due": 2, "bucket": "1-29", "promise_open": False},
        channel="sms",
    ),
    collections.PromiseKept(**_case, **_promise, promised=_OWED, paid=_OWED, judged_on=date(2026, 3, 12)),
    collections.PromiseBroken(**_case, **_promise, promised=_OWED, paid=_NOTHING, judged_on=date(2026, 3, 14)),
    collections.HoldPlaced(**_case, hold_id="HOL-1", kind="dispute", until_on=date(2026, 4, 1)),
    collections.HoldReleased(**_case, hold_id="HOL-1", kind="dispute"),
    collections.Placed(
        **_case, placement_id="PLA-1", agency="North Agency", placed_on=date(2026, 7, 1), balance=(_EXPOSURE,)
    ),
    collections.Recalled(**_case, placement_id="PLA-1", recalled_on=date(2026, 10, 1)),
    collections.LegalStepTaken(**_case, step="claim_filed", taken_on=date(2026, 11, 2)),
    collections.CaseClosed(**_case, closed_on=date(2026, 3, 12), reason="cured"),
)

_OUTCOMES: Final[tuple[Contract, ...]] = (
    outcomes.ContactAttempted(**_attempt, outcome="sent", template="early-reminder"),
    outcomes.ContactDelivered(**_attempt),
    outcomes.ContactFailed(**_attempt, reason="unreachable_number"),
    outcomes.ContactSuppressed(**_contact, rule="frequency", detail="3 of 3 contacts in 7 days"),
    outcomes.RightPartyReached(**_attempt | {"channel": "call"}),
    outcomes.PromiseMade(**_case, **_promise, contact_id="CON-9001", amount=_OWED, made_at=RECORDED_AT),
    outcomes.DisputeRaised(
        customer_id=CUSTOMER, dispute_id="DIS-1", reason="the amount is wrong", raised_at=RECORDED_AT
    ),
    outcomes.ComplaintReceived(
        customer_id=CUSTOMER, complaint_id="COM-1", reason="called at work", received_at=RECORDED_AT
    ),
    outcomes.ConsentChanged(customer_id=CUSTOMER, channel="email", consent="withdrawn", effective_at=RECORDED_AT),
)

EXAMPLES: Final[dict[type[Contract], Contract]] = {
    type(example): example for example in (*_BANKING, *_DELINQUENCY, *_COLLECTIONS, *_OUTCOMES)
}
