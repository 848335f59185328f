"""What a service needs to know of Kafka's topics before it starts: that they exist, and their partition counts."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.contracts.topics import BY_NAME, TOPICS
from shared.messaging import kafka, retry, store
from shared.messaging.stream import Stream
from shared.vocabulary.errors import Misconfigured

HINT: Final = "create them with: python -m deploy.topics"

log = structlog.get_logger()


async def learn(bootstrap: str, streams: Sequence[Stream], stop: asyncio.Event) -> dict[str, int]:
    """Topic -> partitions, and `stream:<name>` -> shards; waits for topics that are missing.

    Empty when asked to stop first. Misconfigured when a stream's topics differ in their number of partitions.
    """
    waits = retry.backoff_s()
    while not stop.is_set():
        found = await _found(bootstrap, stop)
        if found is not None:
            missing = sorted(needed(streams) - found.keys())
            if not missing:
                return found | {f"stream:{stream.name}": shards_of(stream, found) for stream in streams}
            log.warning("topics_missing", topics=missing, hint=HINT)
        await retry.sleep_unless(stop, next(waits))
    return {}


def needed(streams: Sequence[Stream]) -> set[str]:
    """Every topic, and the dead letters of those that are read."""
    read = {topic for stream in streams for topic in (*stream.topics, *stream.broadcast)}
    return {topic.name for topic in TOPICS} | {BY_NAME[topic].dead_letter for topic in read}


def shards_of(stream: Stream, found: Mapping[str, int]) -> int:
    """How many partitions each of the stream's topics has."""
    counts = {topic: found[topic] for topic in stream.topics}
    if len(set(counts.values())) > 1:
        raise Misconfigured(f"topics of stream {stream.name} need the same number of partitions: {counts}")
    return next(iter(counts.values()))


async def hold(engine: AsyncEngine, service: str, streams: Sequence[Stream], counts: Mapping[str, int]) -> None:
    """Misconfigured when the topics have another number of partitions than the service began with.

    Keys would lie on other partitions than the accounts they name: their order would be lost without a word.
    """
    async with engine.begin() as connection:
        for stream in streams:
            count = counts[f"stream:{stream.name}"]
            had = await store.shards_of(connection, stream.name, count)
            if had != count:
                raise Misconfigured(
                    f"topics of stream {stream.name} have {count} partitions, the service began with {had}: "
                    + _way_on(service, had, count)
                )


def _way_on(service: str, had: int, count: int) -> str:
    """The commands that bring a service and its topics together."""
    command = f"python -m services.{service} shards repartition --partitions {count}"
    if had < count:
        return f"run {command}"
    return f"run python -m deploy.topics --partitions {had} --increase, or to go back {command}"


async def places_of(bootstrap: str, topics: Iterable[str]) -> list[TopicPartition]:
    """Every partition of these topics. Asked of the broker: a client that starts with them may know but a part.

    Misconfigured when one is missing.
    """
    wanted = sorted(topics)
    admin = kafka.admin(bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(wanted)
    finally:
        await admin.close()
    places = [TopicPartition(one["topic"], part["partition"]) for one in described for part in one["partitions"]]
    if missing := sorted(set(wanted) - {place.topic for place in places}):
        raise Misconfigured(f"Kafka has no topic {', '.join(missing)}; {HINT}")
    return sorted(places)


async def confirm(connection: AsyncConnection, stream: str, counts: Mapping[str, int]) -> None:
    """Misconfigured when the stream has got other shards since this process started: it goes by the old number."""
    had, now = counts[f"stream:{stream}"], (await store.shard_counts(connection)).get(stream)
    if had != now:
        raise Misconfigured(f"stream {stream} has {now} shards now, this process began with {had}: start it anew")


async def _found(bootstrap: str, stop: asyncio.Event) -> dict[str, int] | None:
    """The broker's topics, which may be none; None when it does not answer, which is said already."""
    admin = await kafka.start_patiently(lambda: kafka.admin(bootstrap), stop, "topics")
    if admin is None:
        return None
    try:
        described = await admin.describe_topics()
    except KafkaError as error:
        log.warning("broker_unreachable", client="topics", error=type(error).__name__)
        return None
    finally:
        await admin.close()
    return {topic["topic"]: len(topic["partitions"]) for topic in described if topic["partitions"]}
