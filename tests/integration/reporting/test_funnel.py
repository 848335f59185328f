"""The contact funnel and promises: events of several topics, in any order, any number of times."""

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.contracts.collections import (
    CaseClosed,
    CaseOpened,
    ContactRequested,
    PromiseBroken,
    PromiseKept,
    StrategyAssigned,
)
from shared.contracts.fields import Amount, Contract
from shared.contracts.outcomes import (
    ContactAttempted,
    ContactDelivered,
    ContactFailed,
    ContactSuppressed,
    PromiseMade,
    RightPartyReached,
)
from tests.integration.reporting import story
from tests.integration.reporting.conftest import Reporting

AT = datetime(2026, 1, 20, 9, 30, tzinfo=UTC)
DAY = date(2026, 1, 20)
WHO: dict[str, Any] = {"case_id": "k1", "customer_id": "c1"}


def requested(contact_id: str, channel: Any, arrears: int) -> ContactRequested:
    return ContactRequested(
        **WHO, contact_id=contact_id, treatment_id=f"t{contact_id}", channel=channel, template="reminder", accounts=(),
        arrears=(Amount.of(arrears, "EUR"),), days_past_due=5, requested_at=AT, expires_at=AT,
    )  # fmt: skip


def outcome(kind: Any, contact_id: str, channel: str, **more: Any) -> Contract:
    event: Contract = kind(**WHO, contact_id=contact_id, channel=channel, at=AT, **more)
    return event


def judged(kind: type[PromiseKept], promise_id: str, paid: int, on: date) -> PromiseKept:
    return kind(
        **WHO, promise_id=promise_id, promised=Amount.of(5_000, "EUR"), paid=Amount.of(paid, "EUR"), promised_on=DAY,
        due_on=date(2026, 1, 25), judged_on=on,
    )  # fmt: skip


def promise(promise_id: str, contact_id: str) -> PromiseMade:
    return PromiseMade(
        **WHO, promise_id=promise_id, contact_id=contact_id, amount=Amount.of(5_000, "EUR"), due_on=date(2026, 1, 25),
        promised_on=DAY, made_at=AT,
    )  # fmt: skip


EVENTS: list[Contract] = [
    requested("x1", "sms", 10_000),
    outcome(ContactAttempted, "x1", "sms"),
    outcome(ContactDelivered, "x1", "sms"),
    requested("x2", "sms", 20_000),
    outcome(ContactSuppressed, "x2", "sms", rule="consent"),
    requested("x3", "sms", 30_000),
    outcome(ContactAttempted, "x3", "sms"),
    outcome(ContactFailed, "x3", "sms", reason="unreachable"),
    requested("x4", "call", 40_000),
    outcome(ContactAttempted, "x4", "call"),
    outcome(RightPartyReached, "x4", "call"),
    promise("p1", "x4"),
    judged(PromiseKept, "p1", 6_000, date(2026, 1, 27)),
    requested("x5", "call", 50_000),
    outcome(ContactAttempted, "x5", "call"),
    outcome(RightPartyReached, "x5", "call"),
    promise("p2", "x5"),
    judged(PromiseKept, "p2", 5_000, date(2026, 1, 27)),
    judged(PromiseBroken, "p2", 1_000, date(2026, 1, 29)),
    CaseOpened(**WHO, opened_on=DAY, accounts=()),
    StrategyAssigned(**WHO, strategy="default", strategy_version=1),
    CaseClosed(**WHO, closed_on=date(2026, 1, 29), reason="cured"),
]


async def closed(reporting: Reporting) -> Reporting:
    for partition, source, events in story.lanes(story.JANUARY):
        await reporting.take(events, partition=partition, source=source)
    return reporting


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
@pytest.mark.parametrize("size", [1, 3, 100])
async def test_the_funnel(reporting: Reporting, seed: int | None, size: int) -> None:
    events = [*EVENTS, *EVENTS]
    if seed is not None:
        random.Random(seed).shuffle(events)
    for start in range(0, len(events), size):
        await reporting.take(events[start : start + size])
    await closed(reporting)
    call, sms = await reporting.metric("contact_funnel", since="2026-01-01")
    stages = ("requested", "suppressed", "attempted", "delivered", "failed", "reached", "right_party", "promised")
    assert [call[stage] for stage in (*stages, "kept", "broken")] == [2, 0, 2, 0, 0, 2, 2, 2, 1, 1]
    assert [sms[stage] for stage in stages] == [3, 1, 2, 1, 1, 1, 0, 0]
    assert (sms["contact_rate"], call["right_party_rate"], call["kept_rate"]) == (0.5, 1.0, 0.5)
    assert (sms["requested_amount"], sms["suppressed_amount"], sms["reached_amount"]) == ("600.00", "200.00", "100.00")
    refused = await reporting.metric("contact_suppressions", since="2026-01-01")
    assert [(row["rule"], row["suppressed"], row["share_accounts"]) for row in refused] == [("consent", 1, 1.0)]
    await promises(reporting)


async def promises(reporting: Reporting) -> None:
    rows = {row["day"]: row for row in await reporting.metric("promises_kept", since="2026-01-01")}
    assert (rows["2026-01-20"]["made"], rows["2026-01-20"]["made_amount"]) == (2, "100.00")
    # p2 was kept on the 27th and broken again on the 29th: the later verdict holds
    assert (rows["2026-01-27"]["kept"], rows["2026-01-27"]["broken"]) == (1, 0)
    assert (rows["2026-01-29"]["kept"], rows["2026-01-29"]["broken"]) == (0, 1)
    assert (rows["2026-01-27"]["paid_amount"], rows["2026-01-29"]["paid_amount"]) == ("50.00", "10.00")
    assert (rows["2026-01-27"]["rate_amount"], rows["2026-01-29"]["rate_amount"]) == (1.0, 0.2)
