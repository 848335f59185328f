"""How this system's consumers are set up."""

import pytest

from shared.messaging import kafka


async def test_the_broker_is_told_what_to_gather_and_for_how_long() -> None:
    consumer = kafka.group_consumer(
        "127.0.0.1:1", service="reporting", stream="customers", replica=None, session_timeout_s=10, wait_ms=150,
        bytes_min=4096,
    )  # fmt: skip
    await consumer.stop()
    assert (consumer._fetch_min_bytes, consumer._fetch_max_wait_ms) == (4096, 150)


@pytest.mark.parametrize(("session_timeout_s", "heartbeat_ms"), [(4, 1000), (300, 3000)])
async def test_a_rebalance_is_heard_of_soon_however_long_a_session_is(
    session_timeout_s: float, heartbeat_ms: int
) -> None:
    consumer = kafka.group_consumer(
        "127.0.0.1:1", service="reporting", stream="customers", replica=None, session_timeout_s=session_timeout_s,
        wait_ms=150, bytes_min=1,
    )  # fmt: skip
    await consumer.stop()
    assert consumer._heartbeat_interval_ms == heartbeat_ms
