"""Creates Kafka's topics and holds existing ones to the partition count that was asked for.

A step of its own, as migrations are: `python -m deploy.topics --bootstrap HOST:PORT --partitions N`. The list itself
belongs to the contracts. With `--increase` existing topics get more partitions, once every service is set up for them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from shared.contracts.topics import TOPICS, Topic
from shared.messaging.drained import ends_of
from shared.messaging.prepared import unprepared
from shared.vocabulary.errors import Misconfigured, Unavailable

RETRY_PAUSE_S = 1.0


@dataclass(frozen=True)
class Wanted:
    """A topic as it should be on the broker."""

    name: str
    partitions: int


def wanted(topics: Sequence[Topic], partitions: int) -> list[Wanted]:
    """Each topic and its dead letters; a broadcast topic has one partition, its dead letters too."""
    counts = [(topic, 1 if topic.broadcast else partitions) for topic in topics]
    return [Wanted(name, count) for topic, count in counts for name in (topic.name, topic.dead_letter)]


def differences(plan: Sequence[Wanted], existing: dict[str, int]) -> list[str]:
    """A sentence for each topic that exists with another partition count."""
    return [
        f"topic {topic.name} has {existing[topic.name]} partitions, {topic.partitions} are asked for"
        for topic in plan
        if existing.get(topic.name, topic.partitions) != topic.partitions
    ]


async def is_led(bootstrap: str) -> bool:
    """Whether the brokers know which of them is the controller, without which no topic can be made."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await _start(admin, bootstrap)
    except (KafkaError, Unavailable):
        return False
    else:
        return True
    finally:
        await admin.close()


async def create_topics(bootstrap: str, partitions: int, replication: int = 1) -> list[str]:
    """Create what is missing; returns the names created.

    Raises Misconfigured when a topic has another partition count: keys would move to other shards, so that is never
    changed in passing. Raises Unavailable when the broker does not answer.
    """
    plan = wanted(TOPICS, partitions)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await _start(admin, bootstrap)
        existing = await _partition_counts(admin)
        if wrong := differences(plan, existing):
            raise Misconfigured("; ".join(wrong))
        missing = [topic for topic in plan if topic.name not in existing]
        await _create(admin, missing, replication)
        return [topic.name for topic in missing]
    except KafkaError as error:
        raise Unavailable(f"Kafka at {bootstrap}: {error}") from error
    finally:
        await admin.close()


async def increase_partitions(bootstrap: str, partitions: int) -> list[str]:
    """Add partitions to existing topics; returns the names of those that had fewer.

    Raises Misconfigured, having changed nothing, when a topic has more, or a service is not set up for that many or
    was written to since: Kafka takes no partition away again. Raises Unavailable when the broker does not answer.
    """
    plan = [topic for topic in wanted(TOPICS, partitions) if topic.partitions == partitions]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await _start(admin, bootstrap)
        existing = await _partition_counts(admin)
        if missing := [topic.name for topic in plan if topic.name not in existing]:
            raise Misconfigured(f"there is no topic {', '.join(missing)}: create the topics first")
        if larger := [topic for topic in plan if existing[topic.name] > partitions]:
            raise Misconfigured("; ".join(differences(larger, existing)))
        smaller = [topic.name for topic in plan if existing[topic.name] < partitions]
        if smaller:
            await _refuse_unprepared(admin, bootstrap, existing, partitions)
            await admin.create_partitions({name: NewPartitions(partitions) for name in smaller})
        return smaller
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"Kafka at {bootstrap}: {str(error) or type(error).__name__}") from error
    finally:
        await admin.close()


async def _refuse_unprepared(
    admin: AIOKafkaAdminClient, bootstrap: str, existing: dict[str, int], partitions: int
) -> None:
    """Of a step that was cut off, some topics have their new partitions already: the old ones are what counts."""
    had = min(existing[topic.name] for topic in TOPICS if not topic.broadcast)
    ends = await ends_of(bootstrap, [topic.name for topic in TOPICS])
    old = {place: end for place, end in ends.items() if place.partition < had}
    services = sorted({service for topic in TOPICS for service in topic.consumers})
    readers = {service: [topic.name for topic in TOPICS if service in topic.consumers] for service in services}
    if found := await unprepared(admin, readers, old, partitions):
        raise Misconfigured("; ".join(found))


async def _start(admin: AIOKafkaAdminClient, bootstrap: str) -> None:
    """Unavailable where no controller is known yet: aiokafka sends to it without a look whether there is one."""
    await admin.start()
    if (await admin.describe_cluster())["controller_id"] < 0:
        raise Unavailable(f"Kafka at {bootstrap} has no controller yet")


async def _partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    return {found["topic"]: len(found["partitions"]) for found in await admin.describe_topics()}


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Wanted], replication: int) -> None:
    if not topics:
        return
    new = [NewTopic(topic.name, topic.partitions, replication) for topic in topics]
    response = await admin.create_topics(new)
    errors = [
        (name, code) for name, code, *_ in response.topic_errors if code not in (0, TopicAlreadyExistsError.errno)
    ]
    if errors:
        raise Misconfigured(f"the broker refused topics: {errors}")


async def create_with_patience(bootstrap: str, partitions: int, replication: int, patience_s: float) -> list[str]:
    """As create_topics, but a broker that does not answer yet is asked again until the patience is over."""
    return await patiently(lambda: create_topics(bootstrap, partitions, replication), patience_s)


async def patiently(act: Callable[[], Awaitable[list[str]]], patience_s: float) -> list[str]:
    """What `act` returns once it is not Unavailable any more; TimeoutError when the patience is over."""
    async with asyncio.timeout(patience_s):
        while True:
            try:
                return await act()
            except Unavailable as error:
                typer.echo(f"{error}; asking again", err=True)
                await asyncio.sleep(RETRY_PAUSE_S)


def main(
    bootstrap: Annotated[str, typer.Option(envvar="ARREARS_KAFKA_BOOTSTRAP", help="HOST:PORT of a broker")],
    partitions: Annotated[int, typer.Option(envvar="ARREARS_PARTITIONS", min=1, help="of each keyed topic")],
    replication: Annotated[int, typer.Option(envvar="ARREARS_REPLICATION", min=1)] = 1,
    patience_s: Annotated[float, typer.Option(help="how long to wait for the broker")] = 60,
    increase: Annotated[bool, typer.Option("--increase", help="add partitions to topics that have fewer")] = False,
) -> None:
    """Create the topics of Arrears, and check those that exist."""
    try:
        if increase:
            added = asyncio.run(patiently(lambda: increase_partitions(bootstrap, partitions), patience_s))
            typer.echo(f"{len(added)} topics have {partitions} partitions now" if added else "all topics had them")
            return
        created = asyncio.run(create_with_patience(bootstrap, partitions, replication, patience_s))
    except (Misconfigured, TimeoutError) as error:
        typer.echo(f"topics: {str(error) or f'no broker answered within {patience_s:g} s'}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"created {len(created)} topics" if created else "all topics are there")


if __name__ == "__main__":
    typer.run(main)
