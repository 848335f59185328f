"""Replays: what is kept is what the facts come to, or the difference is found, told, and put right by the shards."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from sqlalchemy.dialects.postgresql import JSONB

from deploy.topics import create_topics
from services.ingest import replay_store
from services.ingest.packs import Packs
from services.ingest.reassess_command import TOPICS
from services.ingest.replay import Replay, Report, Told
from services.ingest.replay_topics import facts_of
from shared.contracts.envelope import encode
from shared.contracts.fields import Contract
from shared.contracts.topics import TOPIC_OF
from shared.messaging import ShardId, store
from shared.messaging.transaction import partition_of
from shared.vocabulary.errors import Misconfigured
from tests.integration.ingest.conftest import Ledgers, noon
from tests.integration.ingest.test_ledgers import STORY, billed, closed, day, eur, opened, repaid, said
from tests.integration.ingest.test_policies import ageing, draft, in_force, told_of, work_on

ROOT = Path(__file__).parents[3]
LIVES = [f for n in range(5) for f in (opened(f"a{n}"), billed(f"a{n}", "b", 3))]


def replay_of(ledgers: Ledgers, **more: Any) -> Replay:
    url = ledgers.engine.url.render_as_string(hide_password=False)
    return Replay(ledgers.engine, url, ledgers.policies, 1, lambda *_: None, **more)


async def damaged(ledgers: Ledgers) -> None:
    """An account's kept ledger and figures are another's: as if the fold had been wrong."""
    wrong = """UPDATE account a SET folded = jsonb_set(
                   jsonb_set(a.folded::jsonb, '{4}', b.folded::jsonb -> 4), '{7}', b.folded::jsonb -> 7)::text
               FROM account b WHERE a.account_id = 'a' AND b.account_id = 'b'"""
    async with ledgers.engine.begin() as connection:
        await connection.execute(sa.text(wrong))


async def applied(ledgers: Ledgers, replay: Replay) -> Report:
    """With the shard at work meanwhile."""
    running = asyncio.create_task(replay.run(apply=True))
    while not running.done():
        await ledgers.work_a_chunk()
        await asyncio.sleep(0.05)
    return await running


async def test_what_is_kept_is_what_the_facts_come_to(ledgers: Ledgers) -> None:
    await ledgers.take([*STORY, *said(9, *LIVES), closed(40)])
    await ledgers.take(said(41, billed("waits", "b", 3)))
    report = await replay_of(ledgers).run(apply=False)
    assert (report.same, report.accounts, report.differing) == (True, 8, 0)


async def test_facts_in_another_currency_count_in_no_replay_and_under_no_other_policy(ledgers: Ledgers) -> None:
    foreign = billed("a", "w", 1).model_copy(update={"amount": eur("9.00")._replace(currency="PLN")})
    await ledgers.take(said(0, foreign))
    await ledgers.take([*said(2, opened("a"), billed("a", "a1", 3), repaid("a", "r", 2, "30.00")), closed(5)])
    assert (await replay_of(ledgers).run(apply=False)).same
    # Another surplus: nothing of the account can be known without its facts.
    await in_force(ledgers, body=ageing(surplus="settles_balance"))
    await work_on(ledgers)
    row = (await ledgers.rows())[0]
    assert (row["packs"], row["arrears_minor"]) == ("instalment@2 ifrs9@1", 7_000)
    assert (await replay_of(ledgers).run(apply=False)).same


async def test_a_wrong_ledger_is_found_and_changes_nothing_by_itself(ledgers: Ledgers) -> None:
    await ledgers.take([*STORY, closed(40)])
    await damaged(ledgers)
    before = await ledgers.rows()
    report = await replay_of(ledgers).run(apply=False)
    assert (report.same, report.differing) == (False, 1)
    assert ("a", "arrears_minor") in {(e.account_id, e.figure) for e in report.examples}
    assert await ledgers.rows() == before


async def test_a_wrong_ledger_is_put_right_and_the_correction_is_published(ledgers: Ledgers) -> None:
    await ledgers.take([*STORY, closed(40)])
    right = await ledgers.rows()
    await damaged(ledgers)
    report = await applied(ledgers, replay_of(ledgers))
    assert report.differing == 1
    assert (await replay_of(ledgers).run(apply=False)).same
    last = (await told_of(ledgers, "a"))[-1]
    job = (await ledgers.http.get("/jobs")).json()["jobs"][0]
    assert (job["kind"], job["state"], job["done"], job["changed"]) == ("replay", "done", 1, 1)
    assert (last.reason, last.cause) == ("replay", f"replay:{job['job']}")
    figures = [{k: v for k, v in row.items() if k not in ("folded", "version")} for row in await ledgers.rows()]
    assert figures == [{k: v for k, v in row.items() if k not in ("folded", "version")} for row in right]


async def test_a_draft_can_be_tried_on_the_accounts_it_would_govern(ledgers: Ledgers) -> None:
    await ledgers.take([*said(0, *LIVES, opened("z", policy="card-minimum-payment")), closed(8)])
    await draft(ledgers)
    tried = replay_of(ledgers, policy="instalment@2")
    report = await tried.run(apply=False)
    assert (report.accounts, report.differing, report.by_figure["bucket"]) == (5, 5, 5)
    with pytest.raises(Misconfigured, match="activate it"):
        await tried.refuse_to_apply_a_draft()
    await in_force(ledgers)
    await work_on(ledgers)
    await tried.refuse_to_apply_a_draft()
    assert (await replay_of(ledgers, policy="instalment").run(apply=False)).same
    with pytest.raises(Misconfigured, match="no pack called"):
        await replay_of(ledgers, policy="nothing").run(apply=False)


async def test_one_replay_at_a_time(ledgers: Ledgers) -> None:
    async with ledgers.engine.connect() as connection:
        assert await replay_store.alone(connection)
        with pytest.raises(Misconfigured, match="another replay runs"):
            await replay_of(ledgers).run(apply=False)
        await connection.invalidate()


class Raw:
    """A record as the client hands it over."""

    def __init__(self, data: Contract, offset: int) -> None:
        self.topic, self.partition, self.offset, self.headers = TOPIC_OF[type(data)].name, 0, offset, ()
        self.key, self.value = None, event_of(data, offset)


def event_of(data: Contract, number: int) -> bytes:
    return encode(data, event_id=f"t{number}", source="core", subject="a", time=noon(day(1)))


async def test_facts_that_were_lost_come_back_from_the_topics(ledgers: Ledgers) -> None:
    kept = [opened("a"), billed("a", "a1", 3)]
    lost = [repaid("a", "ra", 1, "40.00"), opened("new"), billed("new", "n1", 2), billed("early", "e1", 2)]
    await ledgers.take([*said(0, *kept), closed(8)])

    async def topics(packs: Packs, told: Told) -> None:
        unknown = opened("odd", policy="no-such-pack")
        rows = facts_of([Raw(data, n) for n, data in enumerate([*kept, *lost, unknown])], packs)
        async with ledgers.engine.begin() as connection:
            await replay_store.replay(connection, rows)

    report = await applied(ledgers, replay_of(ledgers, topics=topics))
    assert report.facts is not None
    assert (report.facts, report.lost_accounts, report.differing) == ((4, 0, 0), 2, 1)
    rows = {row["account_id"]: row for row in await ledgers.rows()}
    assert {name: row["arrears_minor"] for name, row in rows.items()} == {"a": 6_000, "new": 10_000, "early": None}
    assert rows["early"]["waiting"] == 1
    await ledgers.take(said(9, opened("early")))
    assert (await told_of(ledgers, "early"))[-1].arrears.amount == "100.00"
    assert (await replay_of(ledgers).run(apply=False)).same


async def test_the_command_reads_the_topics_and_says_by_its_exit_status_what_it_found(
    ledgers: Ledgers, own_kafka: str
) -> None:
    facts = [opened("a"), billed("a", "a1", 3), repaid("a", "r1", 2)]
    await create_topics(own_kafka, 2)
    await published(own_kafka, facts)
    await applied_up_to(ledgers, dict.fromkeys(TOPICS, 100))
    status, output = await command(ledgers, own_kafka, "--from-topic")
    assert (status, "3 on the topics only" in output, "1 accounts lost" in output) == (1, True, True), output
    await ledgers.take([(fact, noon(day(1))) for fact in facts])
    status, output = await command(ledgers, own_kafka, "--from-topic")
    assert (status, "1 accounts compared, 0 differ" in output) == (0, True), output


async def published(bootstrap: str, facts: Sequence[Contract]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for number, fact in enumerate(facts):
            topic = TOPIC_OF[type(fact)].name
            await producer.send_and_wait(topic, event_of(fact, number), partition=partition_of(b"a", 2))
            await producer.send_and_wait(topic, b"not an event", partition=0)
    finally:
        await producer.stop()


async def command(ledgers: Ledgers, kafka: str, *options: str) -> tuple[int | None, str]:
    variables = {
        "ARREARS_KAFKA_BOOTSTRAP": kafka,
        "ARREARS_DATABASE_URL": ledgers.engine.url.render_as_string(hide_password=False),
        "COLUMNS": "200",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.ingest", "reassess", *options,
        env=os.environ | variables, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode, output.decode()


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("nope", "no pack called 'nope' is in force"),
        ("", "no pack called '' is in force"),
        ("@1", "no pack called '' is in force"),
        ("instalment@99", "instalment@99: there is no such version"),
        ("instalment@first", "expected NAME or NAME@VERSION"),
    ],
)
async def test_a_policy_that_is_not_there_is_one_line(ledgers: Ledgers, policy: str, said: str) -> None:
    status, output = await command(ledgers, "127.0.0.1:1", "--policy", policy)
    assert (status, output.strip().count("\n")) == (78, 0), output
    assert output.strip().startswith("misconfigured: --policy: ")
    assert said in output


async def test_kafka_that_is_away_is_one_line(ledgers: Ledgers) -> None:
    status, output = await command(ledgers, "127.0.0.1:1", "--from-topic")
    assert status == 69, output
    assert "Kafka at 127.0.0.1:1 does not answer" in output
    assert "Traceback" not in output


async def test_what_the_service_has_not_read_yet_is_not_lost(ledgers: Ledgers, own_kafka: str) -> None:
    """Put back, it would be a repeat once the service reads it, and its repayment would never be told."""
    facts = [opened("a"), billed("a", "a1", 3), repaid("a", "r1", 2)]
    await create_topics(own_kafka, 2)
    await published(own_kafka, facts)
    await ledgers.take([(fact, noon(day(1))) for fact in facts[:2]])
    await applied_up_to(ledgers, {"banking.accounts": 100, "banking.billing": 100, "banking.repayments": 0})
    status, output = await command(ledgers, own_kafka, "--from-topic")
    assert (status, "1 accounts compared" in output) == (0, True), output


async def applied_up_to(ledgers: Ledgers, offsets: dict[str, int]) -> None:
    """Every shard's row says so."""
    async with ledgers.engine.begin() as connection:
        for partition in range(2):
            await store.ensure(connection, ShardId("accounts", partition))
        moved = sa.text("UPDATE shard SET offsets = :offsets WHERE stream = 'accounts'")
        await connection.execute(moved.bindparams(sa.bindparam("offsets", type_=JSONB)), {"offsets": offsets})
