"""What every contender does with a batch: fold repayments by account, save in one statement, tell of each fact once.

Each peer runs twice: bare, reading JSON as it comes and telling a small object, as most consumers are written; and
under the contract, by which Arrears always works: each event validated whole, each told one a CloudEvent.
"""

import os
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

import orjson

from shared.contracts.delinquency import PortfolioAged
from shared.contracts.envelope import decode, encode

TOPIC: Final = "banking.repayments"
OUT: Final = "peers.out"
BATCH_RECORDS_MAX: Final = 4000
BATCH_S_MAX: Final = 0.05
TABLE: Final = "CREATE TABLE peer_balance (account_id text PRIMARY KEY, events bigint, total_minor bigint)"
_SAVE: Final = """INSERT INTO peer_balance
    SELECT b.* FROM unnest({0}::text[], {1}::bigint[], {2}::bigint[]) AS b (account_id, events, total_minor)
    ON CONFLICT (account_id) DO UPDATE SET events = peer_balance.events + excluded.events,
        total_minor = peer_balance.total_minor + excluded.total_minor"""
SAVE: Final = _SAVE.format("%s", "%s", "%s")
SAVE_ASYNCPG: Final = _SAVE.format("$1", "$2", "$3")
TOLD: Final = PortfolioAged(business_date=date(2026, 1, 1), source_shard=0, source_shards=1)
"""What is told of each fact under the contract; any small event would do."""
CONTRACT: Final = "PEERS_CONTRACT"
Columns = tuple[list[str], list[int], list[int]]


class Folded(NamedTuple):
    """A batch's effect: the statement's columns, and the outgoing records as key and value."""

    columns: Columns
    told: list[tuple[bytes, bytes]]


def fold(values: Iterable[bytes]) -> Folded:
    """Of events as they lie on the topic."""
    return _under_contract(values) if under_contract() else _bare(values)


def under_contract() -> bool:
    return bool(os.environ.get(CONTRACT))


def _under_contract(values: Iterable[bytes]) -> Folded:
    events, now = [decode(TOPIC, value) for value in values], datetime.now(UTC)
    told = [
        (
            one.data.account_id.encode(),
            encode(TOLD, event_id=f"peers.{one.id}", source="peers", subject=one.data.repayment_id, time=now),
        )
        for one in events
    ]
    return Folded(summed((one.data.account_id, one.data.amount.minor) for one in events), told)


def _bare(values: Iterable[bytes]) -> Folded:
    facts = [orjson.loads(value)["data"] for value in values]
    told = [(fact["account_id"].encode(), orjson.dumps({"subject": fact["repayment_id"]})) for fact in facts]
    amounts = [(fact["account_id"], round(float(fact["amount"]["amount"]) * 100)) for fact in facts]
    return Folded(summed(amounts), told)


def summed(amounts: Iterable[tuple[str, int]]) -> Columns:
    """Events and minor units by account."""
    sums: dict[str, list[int]] = {}
    for account, minor in amounts:
        found = sums.setdefault(account, [0, 0])
        found[0] += 1
        found[1] += minor
    return list(sums), [s[0] for s in sums.values()], [s[1] for s in sums.values()]


def group(name: str) -> str:
    """A consumer group for each contender and variant: each begins at the beginning."""
    return f"peers-{name}-contract" if under_contract() else f"peers-{name}"


def bootstrap() -> str:
    return os.environ["PEERS_KAFKA"]


def database() -> str:
    return os.environ["PEERS_DATABASE"]


class Synchronous:
    """The batch for frameworks that call plain functions: commit, then tell, then return to be committed by them."""

    def __init__(self) -> None:
        import psycopg
        from confluent_kafka import Producer

        self._connection: Any = psycopg.connect(database())
        self._producer: Any = Producer({"bootstrap.servers": bootstrap(), "enable.idempotence": True, "linger.ms": 5})

    def apply(self, values: Iterable[bytes]) -> None:
        """At least once: a crash after the commit repeats the batch, its sums and its events."""
        folded = fold(values)
        self._connection.execute(SAVE, folded.columns)
        self._connection.commit()
        for key, value in folded.told:
            while True:
                try:
                    self._producer.produce(OUT, value, key)
                    break
                except BufferError:
                    self._producer.poll(0.1)
        self._producer.flush()
