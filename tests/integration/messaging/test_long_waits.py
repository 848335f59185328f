"""A member that reads nothing for longer than Kafka's clients usually allow: the database is away, and it waits."""

import asyncio
import time

import pytest
from aiokafka.consumer.subscription_state import SubscriptionState

from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import Rig
from tests.integration.messaging.tally import Held
from tests.waiting import until

HEARTBEATS_S = 4.0
TEN_MINUTES_S = 600.0


async def test_ten_minutes_without_reading_do_not_end_a_membership(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Held()
    rig.start(tally, batch_records_max=50, session_timeout_s=2)
    await rig.publish([repayment(n) for n in range(100)])
    await rig.applied(100)
    tally.go.clear()
    await rig.publish([repayment(n) for n in range(100, 400)])
    await until(lambda: tally.standing, "a batch to be about to commit")
    _call_idle(monkeypatch)
    await asyncio.sleep(HEARTBEATS_S)
    tally.go.set()
    await rig.applied(400)
    await rig.assert_exact(400)


def _call_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on aiokafka takes each moment without a read for ten minutes of it."""

    def idle_time(self: SubscriptionState) -> float:
        reading = self._fetch_count > 0
        return 0.0 if reading else time.monotonic() - self._last_fetch_ended + TEN_MINUTES_S

    monkeypatch.setattr(SubscriptionState, "fetcher_idle_time", property(idle_time))
