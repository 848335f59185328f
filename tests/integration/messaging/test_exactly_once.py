"""State, offsets and outgoing events commit together: through crashes, lost connections and zombies."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.messaging import Received, Transaction
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import Rig
from tests.integration.messaging.tally import Tally
from tests.integration.messaging.told import first_appearances
from tests.waiting import until

KILL_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE pid <> pg_backend_pid() AND application_name = 'arrears' AND datname = current_database()"""


async def test_facts_become_state_offsets_and_outgoing_events(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([repayment(n) for n in range(300)])
    await rig.assert_exact(300)
    shards = await rig.rows("SELECT offsets, counters FROM shard WHERE stream = 'tally' ORDER BY partition")
    assert sum(shard.counters["records"] for shard in shards) == 300
    await running.stop()


class FailsOnce(Tally):
    """Raises between SQL and commit, once for each failure given."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)

    async def before_commit(self, tx: Transaction, batch: Sequence[Received]) -> None:
        if batch and self.failures:
            raise self.failures.pop()


async def test_a_failure_that_passes_between_sql_and_commit_loses_and_repeats_nothing(rig: Rig) -> None:
    tally = FailsOnce(ConnectionResetError(), TimeoutError())
    running = rig.start(tally)
    await rig.publish([repayment(n) for n in range(200)])
    await rig.assert_exact(200)
    assert tally.failures == []
    await running.stop()


async def test_a_bug_between_sql_and_commit_ends_the_process_and_commits_nothing(rig: Rig) -> None:
    running = rig.start(FailsOnce(LookupError("a bug")))
    await rig.publish([repayment(n) for n in range(200)])
    with pytest.raises(BaseExceptionGroup) as ended:
        async with asyncio.timeout(30):
            await running.task
    assert ended.group_contains(LookupError)
    rig.start()
    await rig.assert_exact(200)


class LosesItsConnection(Tally):
    """Has its own backend terminated between SQL and commit, `times` times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def before_commit(self, tx: Transaction, batch: Sequence[Received]) -> None:
        if self.times:
            self.times -= 1
            await tx.connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_connection_lost_in_the_middle_of_a_batch_repeats_it_whole(rig: Rig) -> None:
    tally = LosesItsConnection(3)
    rig.start(tally)
    await rig.publish([repayment(n) for n in range(300)])
    await rig.assert_exact(300)
    assert tally.times == 0


async def test_connections_killed_at_any_moment_lose_and_repeat_nothing(rig: Rig) -> None:
    running = rig.start(Tally(slow_ms=2), batch_records_max=50)
    publishing = asyncio.create_task(rig.publish([repayment(n) for n in range(3000)]))
    for _ in range(12):
        await asyncio.sleep(0.15)
        await rig.rows(KILL_OTHERS)
    await publishing
    await rig.assert_exact(3000)
    assert not running.task.done()


async def test_a_process_cut_off_at_any_moment_is_resumed_by_the_next(rig: Rig) -> None:
    publishing = asyncio.create_task(rig.publish([repayment(n) for n in range(2000)]))
    for n in range(4):
        running = rig.start(Tally(slow_ms=5), batch_records_max=100)
        await rig.applied(150 * (n + 1))
        await running.crash()
    await publishing
    rig.start()
    await rig.assert_exact(2000)


async def test_a_zombie_under_an_old_epoch_cannot_write(rig: Rig) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    class Paused(Tally):
        async def before_commit(self, tx: Transaction, batch: Sequence[Received]) -> None:
            if batch and not go_on.is_set():
                entered.set()
                await go_on.wait()

    zombie = rig.start(Paused())
    await rig.publish([repayment("x", account="one")])
    await entered.wait()
    # A second owner takes the shards while the first stands between its SQL and its commit.
    taking = asyncio.create_task(rig.execute("UPDATE shard SET epoch = epoch + 1 WHERE stream = 'tally'"))
    await asyncio.sleep(0.3)
    taken_before_commit = taking.done()
    epochs = [row[0] for row in await rig.rows("SELECT epoch FROM shard WHERE stream = 'tally'")]
    go_on.set()
    await taking
    if taken_before_commit:
        await until(lambda: _moved_on(rig, max(epochs)), "the fenced owner to acquire the shard anew")
    await rig.assert_exact(1)
    await zombie.stop()


async def _moved_on(rig: Rig, epoch: int) -> bool:
    return any(row[0] > epoch for row in await rig.rows("SELECT epoch FROM shard WHERE stream = 'tally'"))


async def test_offsets_set_back_by_hand_are_read_again(rig: Rig) -> None:
    """The row is the truth: what it says under a new epoch is what is read next, whatever Kafka's position."""
    rig.start()
    await rig.publish([repayment(n, account="one") for n in range(10)])
    await rig.assert_exact(10)
    await rig.execute(
        """UPDATE shard SET epoch = epoch + 1, offsets = offsets || jsonb_build_object(
               'banking.repayments', (offsets ->> 'banking.repayments')::bigint - 4)
           WHERE stream = 'tally' AND (counters ->> 'records')::int = 10"""
    )
    await rig.publish([repayment(99, account="one")])
    await until(lambda: _times(rig, "r9", 2), "the last facts to be read again")
    assert await rig.rows("SELECT id FROM effect WHERE times > 1 ORDER BY id") == [("r6",), ("r7",), ("r8",), ("r9",)]


async def _times(rig: Rig, fact: str, times: int) -> bool:
    return (fact, times) in await rig.rows("SELECT id, times FROM effect")


async def test_order_on_the_output_topic_is_the_order_of_the_sequence(rig: Rig) -> None:
    rig.start(batch_records_max=70)
    await rig.publish([repayment(n, account=f"account-{n % 7}") for n in range(2000)])
    out = first_appearances(await rig.assert_exact(2000))
    for account in range(7):
        mine = [int(one.subject[1:]) for one in out if int(one.subject[1:]) % 7 == account]
        assert mine == sorted(mine)
