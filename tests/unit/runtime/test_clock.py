"""Time as a port."""

import asyncio
from datetime import UTC, datetime, timedelta

from shared.runtime.clock import SimulatedClock, SystemClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_simulated_time_moves_when_told_and_never_back() -> None:
    clock = SimulatedClock(NOON)
    clock.observe(NOON - timedelta(days=1))
    assert clock.now() == NOON
    clock.observe(NOON + timedelta(hours=1))
    assert clock.now() == NOON + timedelta(hours=1)


async def test_a_sleeper_wakes_when_simulated_time_has_come() -> None:
    clock = SimulatedClock(NOON)
    sleeping = asyncio.create_task(clock.sleep_until(NOON + timedelta(hours=2), poll_s=30))
    await asyncio.sleep(0)
    clock.observe(NOON + timedelta(hours=1))
    await asyncio.sleep(0.01)
    assert not sleeping.done()
    clock.observe(NOON + timedelta(hours=2))
    await asyncio.wait_for(sleeping, 5)


async def test_a_sleeper_looks_around_after_the_poll_at_the_latest() -> None:
    await asyncio.wait_for(SimulatedClock(NOON).sleep_until(NOON + timedelta(days=1), poll_s=0.01), 5)


def test_the_machines_clock_is_aware_and_ignores_events() -> None:
    clock = SystemClock()
    clock.observe(datetime(2999, 1, 1, tzinfo=UTC))
    assert clock.now().tzinfo is UTC
    assert clock.now().year < 2999
