"""The main story of a crowd: billed, overdue, reminded by SMS, repaid, cured, closed and reported.

One telling serves all end-to-end tests; they disturb it in between and expect the same end.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from shared.vocabulary.money import decimal_text
from tests.e2e.crowd import BILL_MINOR, EXPOSURE_MINOR, Calendar, Crowd
from tests.e2e.doors import Doors, Message

Order = Callable[[Sequence[Message]], Sequence[Message]]


def as_told(messages: Sequence[Message]) -> Sequence[Message]:
    """No disturbance."""
    return messages


@dataclass
class Story:
    """A crowd in one week; `order` may repeat and turn around what core banking publishes."""

    doors: Doors
    calendar: Calendar
    crowd: Crowd
    week: Sequence[date]
    order: Order = as_told
    closes: int = 1

    async def bill(self) -> None:
        """Monday: everything is published, and the day closes with nothing overdue."""
        await self.calendar.morning(self.week[0])
        await self.doors.quiet()
        await self.doors.publish(self.order(self.crowd.opening()))
        await self.doors.quiet()
        await self.calendar.close(self.week[0], self.closes)

    async def fall_overdue(self) -> None:
        """Tuesday and Wednesday close."""
        for day in self.week[1:3]:
            await self.doors.quiet()
            await self.calendar.morning(day)
            await self.calendar.close(day, self.closes)

    async def close_thursday(self) -> None:
        """Three days past due at its close: the strategy asks for a reminder."""
        await self.calendar.morning(self.week[3])
        await self.calendar.close(self.week[3], self.closes)

    async def friday_morning(self) -> None:
        """Half past nine: the reminders go out."""
        await self.calendar.morning(self.week[4])

    async def repay(self) -> None:
        """Friday: everybody pays."""
        await self.doors.publish(self.order(self.crowd.repayments(self.week[4])))

    async def end(self) -> None:
        """Friday closes."""
        await self.calendar.close(self.week[4], self.closes)

    async def tell(self, meanwhile: dict[str, Callable[[], Awaitable[None]]] | None = None) -> None:
        """All of it; `meanwhile` runs right after the step of that name, before the system is at rest again."""
        steps = (self.bill, self.fall_overdue, self.close_thursday, self.friday_morning, self.repay, self.end)
        for step in steps:
            await step()
            if meanwhile and step.__name__ in meanwhile:
                await meanwhile[step.__name__]()
            await self.doors.quiet()


async def assert_reminded_once(story: Story) -> None:
    """One SMS a customer at the gateway, asked for under one token, naming what is owed."""
    texts = await story.doors.texts(story.crowd.numbers)
    assert Counter(text["to"] for text in texts) == dict.fromkeys(story.crowd.numbers, 1)
    assert len({text["idempotency_token"] for text in texts}) == story.crowd.size
    owed = decimal_text(BILL_MINOR, story.crowd.currency)
    assert all(owed in text["body"] for text in texts), texts[0]["body"]


def assert_heard_in_full(story: Story) -> None:
    """What Kafka carried of each customer: every step once, versions without gaps."""
    for customer in story.crowd.customers:
        events = story.doors.heard([customer])
        kinds = Counter(type(event.data).__name__ for event in events)
        once = ("DelinquencyEntered", "RepaymentApplied", "DelinquencyCured", "CaseOpened", "TreatmentDecided",
                "ContactRequested", "ContactAttempted", "ContactDelivered", "CaseClosed")  # fmt: skip
        assert {kind: kinds[kind] for kind in once} == dict.fromkeys(once, 1), kinds
        statuses = [event.data for event in events if hasattr(event.data, "policy_version")]
        assert [s.version for s in statuses] == list(range(1, len(statuses) + 1))


def assert_statuses_are_exact(story: Story) -> None:
    """Overdue from the day after the due date, cured by the repayment, to the cent."""
    for account, customer in zip(story.crowd.accounts, story.crowd.customers, strict=True):
        (entered,) = (e.data for e in story.doors.heard([customer], "DelinquencyEntered"))
        assert (entered.account_id, entered.days_past_due, entered.bucket) == (account, 1, "1-29")
        assert (entered.as_of, entered.oldest_due_on) == (story.week[1], story.week[0])
        assert (entered.arrears.minor, entered.exposure.minor) == (BILL_MINOR, EXPOSURE_MINOR)
        (applied,) = (e.data for e in story.doors.heard([customer], "RepaymentApplied"))
        assert (applied.amount.minor, applied.applied_to_arrears.minor) == (BILL_MINOR, BILL_MINOR)
        (cured,) = (e.data for e in story.doors.heard([customer], "DelinquencyCured"))
        assert (cured.arrears.minor, cured.days_past_due, cured.through) == (0, 0, "repayment")
        (closed,) = (e.data for e in story.doors.heard([customer], "CaseClosed"))
        assert closed.reason == "cured"


async def assert_apis_agree(story: Story) -> None:
    """What the services answer when asked about the first of the crowd."""
    account, customer = story.crowd.accounts[0], story.crowd.customers[0]
    owed = await story.doors.get("ingest", f"/accounts/{account}/delinquency")
    assert (owed["delinquent"], owed["days_past_due"], owed["arrears"]["amount"]) == (
        False, 0, decimal_text(0, story.crowd.currency))  # fmt: skip
    overdue = await story.doors.get("ingest", f"/accounts/{account}/delinquency", as_of=str(story.week[3]))
    assert (overdue["days_past_due"], overdue["arrears"]["amount"]) == (
        3, decimal_text(BILL_MINOR, story.crowd.currency))  # fmt: skip
    case = await story.doors.get("strategy", f"/cases/{customer}")
    assert case["state"] == "closed"


async def assert_reported(story: Story) -> None:
    """The report's numbers about this crowd, money included."""
    size, crowd, friday = story.crowd.size, story.crowd, story.week[4]

    def money(minor: int) -> Decimal:
        return Decimal(decimal_text(minor * size, crowd.currency))

    cures = await _row(story, "cure_rate", friday)
    assert (cures["delinquent_accounts"], cures["cured_accounts"], cures["rate_accounts"]) == (size, size, 1)
    assert Decimal(cures["cured_amount"]) == money(EXPOSURE_MINOR)
    recovered = await _row(story, "recovery", friday)
    assert (recovered["repayments"], Decimal(recovered["applied_amount"])) == (size, money(BILL_MINOR))
    resolved = await _row(story, "resolution_rate", friday)
    assert Decimal(resolved["closing_arrears_amount"]) == 0
    assert resolved["rate_amount"] == 1
    funnel = await _metric(story, "contact_funnel", currency=crowd.currency, channel="sms")
    stages = ("requested", "suppressed", "attempted", "delivered", "failed")
    assert [sum(row[stage] for row in funnel) for stage in stages] == [size, 0, size, size, 0]


async def _row(story: Story, metric: str, day: date) -> dict[str, Any]:
    rows = await _metric(story, metric, product=story.crowd.product, **{"from": str(day), "to": str(day)})
    (row,) = (row for row in rows if row["business_date"] == str(day))
    return row


async def _metric(story: Story, metric: str, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await story.doors.get("reporting", f"/metrics/{metric}", **query))["rows"]
    return rows


async def assert_ended_well(story: Story) -> None:
    """Everything a story must have come to, however it was disturbed."""
    await assert_reminded_once(story)
    assert_heard_in_full(story)
    assert_statuses_are_exact(story)
    await assert_apis_agree(story)
    await assert_reported(story)
