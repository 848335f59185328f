"""Facts read from core banking's topics once more, into a scratch table beside the kept ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ingest import replay_store, translate
from services.ingest.domain.facts import Opened
from services.ingest.packs import Packs
from services.ingest.tables import FactRow
from shared.contracts.envelope import decode
from shared.messaging import Received, store
from shared.messaging.kafka import record_of
from shared.vocabulary.errors import Misconfigured, Rejected, Unavailable

RECORDS_MAX: Final = 4_000
SILENCE_MS: Final = 30_000


async def replay_topics(
    bootstrap: str, topics: Sequence[str], engine: AsyncEngine, packs: Packs, told: Callable[[int, int], None]
) -> None:
    """Read each partition from its beginning to where its shard is now; `told(done, total)` after each batch.

    No further: what the service has not applied yet is not lost. Put back here, it would be a repeat once the service
    comes to it, and nothing of it would be told.
    """
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
        isolation_level="read_committed",
    )  # fmt: skip
    await consumer.start()
    try:
        # Outside any group a consumer is assigned every partition.
        places = sorted(consumer.assignment())
        if {place.topic for place in places} != set(topics):
            raise Misconfigured(f"not all of these topics are there: {', '.join(topics)}")
        begin = await consumer.beginning_offsets(places)
        end = _applied(begin, await consumer.end_offsets(places), await _offsets(engine))
        await consumer.seek_to_beginning(*places)
        await _read(consumer, engine, packs, begin, end, told)
    finally:
        await consumer.stop()


async def _offsets(engine: AsyncEngine) -> Mapping[tuple[str, int], int]:
    """The next offset of each partition that the accounts' shards apply, by their rows."""
    async with engine.connect() as connection:
        shards = [row for row in await store.progress(connection) if row["stream"] == replay_store.STREAM]
    return {(topic, row["partition"]): offset for row in shards for topic, offset in row["offsets"].items()}


def _applied(
    begin: Mapping[TopicPartition, int], end: Mapping[TopicPartition, int], offsets: Mapping[tuple[str, int], int]
) -> dict[TopicPartition, int]:
    return {place: max(begin[place], min(end[place], offsets.get((place.topic, place.partition), 0))) for place in end}


async def _read(
    consumer: Any,
    engine: AsyncEngine,
    packs: Packs,
    begin: dict[TopicPartition, int],
    end: dict[TopicPartition, int],
    told: Callable[[int, int], None],
) -> None:
    total = sum(end[place] - begin[place] for place in end)
    at = dict(begin)
    while any(at[place] < end[place] for place in end):
        found = await consumer.getmany(timeout_ms=SILENCE_MS, max_records=RECORDS_MAX)
        async with engine.begin() as connection:
            for place, records in found.items():
                rows = facts_of([record for record in records if record.offset < end[place]], packs)
                if rows:
                    await replay_store.replay(connection, rows)
        reached = {place: await consumer.position(place) for place in end}
        if reached == at:
            raise Unavailable(f"no record for {SILENCE_MS // 1000} s, though the topics have more")
        at = reached
        told(sum(min(at[place], end[place]) - begin[place] for place in end), total)


def facts_of(records: Sequence[Any], packs: Packs) -> list[FactRow]:
    """The facts in these records, without what the consumer refuses too."""
    rows = []
    for raw in records:
        record = record_of(raw)
        try:
            event = decode(record.topic, record.value, record.headers)
        except Rejected:
            continue
        arrival = translate.arrival(Received(event, record))
        if not isinstance(arrival.fact, Opened) or packs.unknown(arrival.fact) is None:
            rows.append(arrival.row())
    return rows
