"""A running ingest whose shards wait for records: an activation calls them to work all the same."""

import asyncio
from typing import Any

import httpx

from deploy.local.ports import free_port
from deploy.topics import create_topics
from services.ingest.app import compose
from services.ingest.settings import Settings
from shared.messaging import store
from shared.messaging.stream import ShardId
from shared.runtime.process import Process
from tests.integration.ingest.conftest import Ledgers
from tests.integration.ingest.test_ledgers import billed, closed, opened, said
from tests.integration.ingest.test_policies import ANNA, BEN, LENIENT
from tests.waiting import until


async def test_an_activation_is_worked_off_by_shards_that_nothing_else_wakes(ledgers: Ledgers, own_kafka: str) -> None:
    await create_topics(own_kafka, 2)
    async with ledgers.engine.begin() as connection:
        # The ledgers fill the first of two shards; the number a service began with is what it starts with.
        await store.ensure(connection, ShardId("accounts", 1))
    await ledgers.take(
        [*said(0, *[f for n in range(5) for f in (opened(f"a{n}"), billed(f"a{n}", "b", 3))]), closed(8)]
    )
    settings = Settings(
        environment="local",
        kafka_bootstrap=own_kafka,
        database_url=ledgers.engine.url.render_as_string(hide_password=False),
        http_port=free_port(),
    )
    process = Process(compose(settings), settings)
    running = asyncio.create_task(process.run())
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.http_port}", timeout=20) as http:
            await until(lambda: _quiet(http), "the shards to be owned and idle", 60)
            await http.put("/policies/instalment", json={**ANNA, "pack": LENIENT})
            job = (await http.post("/policies/instalment/versions/2/activate", json=BEN)).json()["job"]
            await until(lambda: _done(http, job), "the job", 30)
            answer = (await http.get(f"/jobs/{job}")).json()
            assert (answer["done"], answer["changed"], answer["errors"]) == (5, 5, 0)
            assert (await http.get("/progress")).json()["pending"]["accounts_to_reassess"] == 0
    finally:
        process.stop()
        await running


async def _quiet(http: httpx.AsyncClient) -> bool:
    try:
        shards = (await http.get("/progress")).json()["owned"].get("accounts", {})
    except httpx.TransportError:
        return False
    return bool(shards) and not any(shard["work"] for shard in shards.values())


async def _done(http: httpx.AsyncClient, job: Any) -> bool:
    return bool((await http.get(f"/jobs/{job}")).json()["state"] == "done")
