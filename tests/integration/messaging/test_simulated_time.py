"""The simulated clock follows the calendar and the system's own events, never a time core banking wrote on a fact."""

from datetime import UTC, datetime

from tests.integration.messaging.published import event
from tests.integration.messaging.rig import Rig
from tests.integration.messaging.tally import TOPICS
from tests.waiting import until


async def test_the_clock_follows_the_calendar_and_not_the_facts(rig: Rig) -> None:
    running = rig.start(clock="simulated")
    clock = running.process.context.clock
    late = datetime(2030, 6, 3, 21, 30, tzinfo=UTC)
    await rig.producer.send_and_wait("banking.calendar", _closed(late), partition=0)
    await until(lambda: clock.now() == late, "the clock to read the close's time")
    data = {
        "account_id": "a", "repayment_id": "r", "effective_on": "2026-01-01",
        "amount": {"amount": "1.00", "currency": "EUR"},
    }  # fmt: skip
    fact = event("arrears.repayments.RepaymentReceived.v1", "r", data, "2031-01-01T00:00:00Z")
    await rig.publish([("a", fact)], TOPICS[1])
    await rig.assert_exact(1)
    assert clock.now() == late
    await running.stop()
    again = rig.start(clock="simulated")
    await until(lambda: again.process.context.clock.now() == late, "a restart to keep the time")
    await again.stop()


def _closed(at: datetime) -> bytes:
    kind = "arrears.calendar.BusinessDayClosed.v1"
    return event(kind, "close", {"business_date": at.date().isoformat()}, at.isoformat())
