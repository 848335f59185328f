"""Accounts and customers as core banking opened and described them."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.store.sql import BIG, DATE, INT, TEXT, TEXTS, Row, Statement

ACCOUNT: Final = {
    "account_id": TEXT, "customer_id": TEXT, "product": TEXT, "currency": TEXT, "policy": TEXT, "opened_on": DATE,
    "opened_month": DATE, "credit_minor": BIG, "branch": TEXT, "region": TEXT,
}  # fmt: skip
_NAMES: Final = ", ".join(ACCOUNT)
# The first opening stands. The count moves by what was inserted, so a redelivery leaves it alone.
_OPEN = Statement(
    {"new": ACCOUNT},
    f"""WITH opened AS (
            INSERT INTO dim_account ({_NAMES}) SELECT * FROM {{new}} ON CONFLICT DO NOTHING
            RETURNING {_NAMES}
        ), counted AS (
            INSERT INTO opened_count (shard, opened_on, currency, product, accounts)
            SELECT {{shard}}, opened_on, currency, product, count(*) FROM opened GROUP BY opened_on, currency, product
            ON CONFLICT (shard, opened_on, currency, product)
            DO UPDATE SET accounts = opened_count.accounts + excluded.accounts
        )
        SELECT account_id FROM opened""",
    shard=INT,
)
_LOAD = Statement(
    {},
    f"SELECT {_NAMES} FROM dim_account WHERE account_id = ANY ({{account_ids}})",
    account_ids=TEXTS,
)
_CUSTOMER: Final = {"customer_id": TEXT, "revision": BIG, "language": TEXT, "region": TEXT, "time_zone": TEXT}
_SAVE_CUSTOMERS = Statement(
    {"told": _CUSTOMER},
    f"""INSERT INTO dim_customer ({", ".join(_CUSTOMER)}) SELECT * FROM {{told}}
        ON CONFLICT (customer_id) DO UPDATE
        SET revision = excluded.revision, language = excluded.language, region = excluded.region,
            time_zone = excluded.time_zone
        WHERE dim_customer.revision < excluded.revision""",
)


async def open_accounts(connection: AsyncConnection, shard: int, rows: Sequence[Row]) -> set[str]:
    """Insert accounts (columns of ACCOUNT, one row an account); the ids that were new."""
    return {row[0] for row in await _OPEN.execute(connection, {"new": rows}, shard=shard)}


async def load_accounts(connection: AsyncConnection, account_ids: Sequence[str]) -> dict[str, Row]:
    """Account id -> its row in the columns of ACCOUNT, for those that are there."""
    found = await _LOAD.execute(connection, {}, account_ids=list(account_ids))
    return {row[0]: tuple(row) for row in found}


async def save_customers(connection: AsyncConnection, rows: Collection[Row]) -> None:
    """Rows of dim_customer, one a customer; a higher revision there stays."""
    if rows:
        await _SAVE_CUSTOMERS.execute(connection, {"told": rows})
