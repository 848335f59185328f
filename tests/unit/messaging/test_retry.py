"""Which failures are waited out, and which end the process."""

import asyncio

import pytest
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaConnectionError, KafkaError

from shared.messaging import retry
from shared.vocabulary.errors import Rejected, Unavailable

PASSING = [
    Unavailable("gateway"), ConnectionRefusedError(), TimeoutError(), OSError("no route"), KafkaConnectionError(),
    IllegalStateError("partition is not assigned"),
    ExceptionGroup("both", [TimeoutError(), ExceptionGroup("inner", [KafkaError("away")])]),
]  # fmt: skip
LASTING = [
    ValueError("bug"), Rejected("bad", "input"), FileNotFoundError("templates"), ConsumerStoppedError(),
    KafkaError("Unexpected error during data retrieval"),
    ExceptionGroup("one of them", [TimeoutError(), ValueError("bug")]),
]  # fmt: skip


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_what_goes_away_by_waiting(error: Exception) -> None:
    assert retry.is_passing(error)


@pytest.mark.parametrize("error", LASTING, ids=repr)
def test_what_does_not(error: Exception) -> None:
    assert not retry.is_passing(error)


def test_waits_double_up_to_a_bound() -> None:
    waits = retry.backoff_s()
    first, *rest = [next(waits) for _ in range(12)]
    assert first <= retry.BACKOFF_FIRST_S
    assert max(rest) <= retry.BACKOFF_MAX_S
    assert rest[-1] >= retry.BACKOFF_MAX_S / 2


async def test_persisting_ends_with_success_a_bug_or_a_stop() -> None:
    stop, failures = asyncio.Event(), [TimeoutError()]

    async def once_failing() -> None:
        if failures:
            raise failures.pop()

    await retry.persist(once_failing, stop, "test")
    assert failures == []

    async def buggy() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await retry.persist(buggy, stop, "test")

    async def stopping() -> None:
        stop.set()
        raise TimeoutError

    await retry.persist(stopping, stop, "test")
