"""This loop: validated contracts, offset, state and outbox in one transaction, relayed in order."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter

from shared.contracts.fields import Amount
from shared.messaging import Received, Stream, Transaction
from shared.runtime.main import command_line
from shared.runtime.service import Service
from shared.runtime.settings import Settings
from tests.bench.peers.logic import SAVE_ASYNCPG, TOLD, TOPIC, summed


async def handle(batch: Sequence[Received], tx: Transaction) -> None:
    columns = summed((one.data.account_id, _minor(one.data.amount)) for one in batch)
    await tx.connection.exec_driver_sql(SAVE_ASYNCPG, columns)
    for one in batch:
        tx.emit(TOLD, subject=one.data.repayment_id, key=one.data.account_id)


def _minor(amount: Amount) -> int:
    return amount.minor


if __name__ == "__main__":
    command_line(
        "peers", Settings, lambda _: Service("peers", (Stream("peers", (TOPIC,), handle),), lambda _: APIRouter()),
        Path("unused"),
    )()  # fmt: skip
