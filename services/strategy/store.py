"""Every statement of strategy. Rows travel as JSON arrays whose keys are column names, one statement a table and batch.

A customer's row is the lock for all of theirs: whoever changes anything of a customer locks it first, in the order of
ids, and only then reads the rest. So a partition's loop and a command never overwrite each other.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.strategy.changes import Changes, Loaded
from services.strategy.domain.account import Account
from services.strategy.domain.case import Case
from services.strategy.domain.customer import Customer
from services.strategy.domain.day import Day
from services.strategy.domain.hold import Hold
from services.strategy.domain.promise import Promise
from services.strategy.domain.repayment import Repayment
from services.strategy.domain.treatment import Treatment

Row = dict[str, Any]

_LOCK_CUSTOMERS = sa.text(
    """SELECT customer_id, partition, next_decision_on FROM customer
       WHERE customer_id = ANY(:ids) ORDER BY customer_id FOR UPDATE"""
).bindparams(sa.bindparam("ids", type_=ARRAY(sa.Text)))

_LOCK_DUE = sa.text(
    """SELECT customer_id, partition, next_decision_on FROM customer
       WHERE partition = :partition AND next_decision_on <= :on
       ORDER BY next_decision_on, customer_id LIMIT :customers_max FOR UPDATE"""
)

# All parts of each customer in one statement. Of treatments, those of the last case and those there is news of, without
# what only the record needs; of repayments, those that may count for a promise, stored or about to be.
_LOAD = (
    sa.text(
        """SELECT c.customer_id, row_to_json(f) AS case_file,
             (SELECT json_agg(a) FROM account a WHERE a.customer_id = c.customer_id) AS accounts,
             (SELECT json_agg(t) FROM (
                SELECT contact_id, treatment_id, customer_id, case_id, step, sequence, channel, template, decided_on,
                       expires_at, strategy, strategy_version, state, outcome, attempted_on
                FROM treatment t WHERE t.customer_id = c.customer_id
                AND (t.case_id = f.case_id OR t.contact_id = ANY(:contacts))) t) AS treatments,
             (SELECT json_agg(p) FROM promise p WHERE p.customer_id = c.customer_id) AS promises,
             (SELECT json_agg(h) FROM hold h WHERE h.customer_id = c.customer_id) AS holds,
             (SELECT json_agg(r) FROM repayment r WHERE r.customer_id = c.customer_id
              AND (r.effective_on IS NULL OR r.effective_on >= LEAST(c.promised_on, (
                SELECT min(promised_on) FROM promise p WHERE p.customer_id = c.customer_id)))) AS repayments
           FROM unnest(:ids, :promised) AS c (customer_id, promised_on)
           LEFT JOIN LATERAL (
             SELECT * FROM case_file f WHERE f.customer_id = c.customer_id ORDER BY f.number DESC LIMIT 1) f ON true"""
    )
    .bindparams(
        sa.bindparam("ids", type_=ARRAY(sa.Text)),
        sa.bindparam("promised", type_=ARRAY(sa.Date)),
        sa.bindparam("contacts", type_=ARRAY(sa.Text)),
    )
    .columns(
        case_file=sa.JSON, accounts=sa.JSON, treatments=sa.JSON, promises=sa.JSON, holds=sa.JSON, repayments=sa.JSON
    )
)


def _upsert(table: str, key: str, columns: str) -> sa.TextClause:
    """Write whole rows of a table; on a known key replace these columns."""
    updates = ", ".join(f"{name} = excluded.{name}" for name in columns.split())
    return sa.text(  # the words come from the lines below, not from anybody's input
        f"""INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, CAST(:rows AS json))
            ON CONFLICT ({key}) DO UPDATE SET {updates}"""  # noqa: S608
    )


_SAVE_CUSTOMERS = _upsert("customer", "customer_id", "partition next_decision_on")
_SAVE_ACCOUNTS = _upsert(
    "account",
    "account_id",
    "customer_id version as_of product delinquent days_past_due bucket arrears_minor currency state through",
)
_SAVE_CASES = _upsert("case_file", "case_id", "strategy strategy_version closed_on reason")
_SAVE_PROMISES = _upsert("promise", "customer_id, promise_id", "state paid_minor judged_on")
_SAVE_HOLDS = _upsert("hold", "customer_id, hold_id", "released_on")
# Only half of a repayment may be in memory (its receipt is not loaded where no promise needs it): keep the other half.
_SAVE_REPAYMENTS = sa.text(
    """INSERT INTO repayment SELECT * FROM json_populate_recordset(NULL::repayment, CAST(:rows AS json))
       ON CONFLICT (account_id, repayment_id) DO UPDATE SET
         amount_minor = COALESCE(excluded.amount_minor, repayment.amount_minor),
         effective_on = COALESCE(excluded.effective_on, repayment.effective_on),
         undone_minor = LEAST(excluded.undone_minor, repayment.undone_minor)"""
)
_INSERT_TREATMENTS = sa.text(
    "INSERT INTO treatment SELECT * FROM json_populate_recordset(NULL::treatment, CAST(:rows AS json))"
)
_UPDATE_TREATMENTS = sa.text(
    """UPDATE treatment t SET state = n.state, outcome = n.outcome, attempted_on = n.attempted_on
       FROM json_populate_recordset(NULL::treatment, CAST(:rows AS json)) n WHERE t.contact_id = n.contact_id"""
)

_DAYS = sa.text(
    """SELECT business_date, source_shards, aged_by, decided FROM day
       WHERE partition = :partition AND (NOT decided OR business_date = ANY(:dates)) ORDER BY business_date"""
).bindparams(sa.bindparam("dates", type_=ARRAY(sa.Date)))
_SAVE_DAYS = sa.text(
    """INSERT INTO day SELECT * FROM json_populate_recordset(NULL::day, CAST(:rows AS json))
       ON CONFLICT (partition, business_date) DO UPDATE
         SET source_shards = excluded.source_shards, aged_by = excluded.aged_by, decided = excluded.decided"""
)
_COUNT_DAYS_DUE = sa.text("SELECT count(*) FROM day WHERE NOT decided AND cardinality(aged_by) >= source_shards")


_READ_CUSTOMER = sa.text("SELECT customer_id, partition, next_decision_on FROM customer WHERE customer_id = ANY(:ids)")
_TREATMENT_RECORDS = sa.text(
    "SELECT * FROM treatment WHERE case_id = :case_id ORDER BY decided_on, treatment_id"
).columns(inputs=JSONB)
_BUSINESS_DATE = sa.text(
    """SELECT max(business_date) FROM day WHERE decided
       AND partition = (SELECT partition FROM customer WHERE customer_id = :customer_id)"""
)
_LIST_CASES = sa.text(
    """SELECT f.case_id, c.customer_id, f.opened_on, f.closed_on, f.strategy, c.next_decision_on,
              COALESCE(a.days_past_due, 0) AS days_past_due, a.currencies, a.amounts
       FROM customer c
       JOIN LATERAL (
         SELECT * FROM case_file f WHERE f.customer_id = c.customer_id ORDER BY f.number DESC LIMIT 1) f ON true
       CROSS JOIN LATERAL (
         SELECT max(s.oldest) AS days_past_due, array_agg(s.currency ORDER BY s.currency) AS currencies,
                array_agg(s.total ORDER BY s.currency) AS amounts
         FROM (SELECT currency, max(days_past_due) AS oldest, sum(arrears_minor)::bigint AS total FROM account
               WHERE customer_id = c.customer_id AND delinquent GROUP BY currency) s) a
       WHERE c.customer_id > :after AND (:state = 'all' OR (f.closed_on IS NULL) = (:state = 'open'))
       ORDER BY c.customer_id LIMIT :cases_max"""
)
_REGISTER_STRATEGY = sa.text(
    """INSERT INTO strategy_version (name, version, document, in_use_since)
       VALUES (:name, :version, :document, :now) ON CONFLICT DO NOTHING"""
).bindparams(sa.bindparam("document", type_=JSONB))
_STRATEGY_DOCUMENT = sa.text("SELECT document FROM strategy_version WHERE name = :name AND version = :version").columns(
    document=JSONB
)


async def lock_customers(connection: AsyncConnection, ids: Sequence[str]) -> list[sa.Row[Any]]:
    """Lock those of the customers that are known: (customer_id, partition, next_decision_on)."""
    return list(await connection.execute(_LOCK_CUSTOMERS, {"ids": ids}))


async def lock_due(connection: AsyncConnection, partition: int, on: date, customers_max: int) -> list[sa.Row[Any]]:
    """Lock the next customers of a partition that are due on a day, in a fixed order."""
    found = await connection.execute(_LOCK_DUE, {"partition": partition, "on": on, "customers_max": customers_max})
    return list(found)


async def load(
    connection: AsyncConnection,
    locked: Sequence[sa.Row[Any]],
    *,
    promised: Mapping[str, date] | None = None,
    contacts: Sequence[str] = (),
) -> list[Loaded]:
    """Everything a fold needs of locked customers, in their order.

    `promised` says from when repayments count for promises about to be made; `contacts`, of which there is news.
    """
    if not locked:
        return []
    since = promised or {}
    ids = [row.customer_id for row in locked]
    found = await connection.execute(
        _LOAD, {"ids": ids, "promised": [since.get(one) for one in ids], "contacts": contacts}
    )
    rows = {row.customer_id: row for row in found}
    return [Loaded.of(_customer(rows[row.customer_id], row.next_decision_on), row.partition) for row in locked]


async def save(connection: AsyncConnection, changes: Changes) -> None:
    """Write what changed; a table without changes costs nothing."""
    customers = [
        {"customer_id": one.customer_id, "partition": partition, "next_decision_on": one.next_decision_on}
        for one, partition in changes.customers
    ]
    for statement, rows in (
        (_SAVE_CUSTOMERS, customers),
        (_SAVE_ACCOUNTS, changes.accounts),
        (_SAVE_CASES, changes.cases),
        (_INSERT_TREATMENTS, changes.new_treatments),
        (_UPDATE_TREATMENTS, changes.treatments),
        (_SAVE_PROMISES, changes.promises),
        (_SAVE_HOLDS, changes.holds),
        (_SAVE_REPAYMENTS, changes.repayments),
    ):
        if rows:
            await connection.execute(statement, {"rows": orjson.dumps(rows).decode()})


async def read_customer(connection: AsyncConnection, customer_id: str) -> Customer | None:
    """What is known of one customer, without a lock: for showing only."""
    found = list(await connection.execute(_READ_CUSTOMER, {"ids": [customer_id]}))
    loaded = await load(connection, found)
    return loaded[0].customer if loaded else None


async def treatment_records(connection: AsyncConnection, case_id: str) -> list[Row]:
    """The treatments of a case with their rules and inputs, oldest first."""
    return [dict(row._mapping) for row in await connection.execute(_TREATMENT_RECORDS, {"case_id": case_id})]


async def business_date(connection: AsyncConnection, customer_id: str) -> date | None:
    """The last day that was decided on the customer's partition."""
    found: date | None = (await connection.execute(_BUSINESS_DATE, {"customer_id": customer_id})).scalar_one()
    return found


async def list_cases(connection: AsyncConnection, state: str, cases_max: int, after: str) -> list[sa.Row[Any]]:
    """The last case of each customer after one, in the order of customers; state is open, closed or all."""
    bounds = {"state": state, "cases_max": cases_max, "after": after}
    return list(await connection.execute(_LIST_CASES, bounds))


async def register_strategy(connection: AsyncConnection, name: str, version: int, document: Row, now: datetime) -> Row:
    """Keep a strategy version as written, for ever; what is kept under that version, which may be something else."""
    await connection.execute(_REGISTER_STRATEGY, {"name": name, "version": version, "document": document, "now": now})
    return await strategy_document(connection, name, version) or {}


async def strategy_document(connection: AsyncConnection, name: str, version: int) -> Row | None:
    """A strategy version as written; None when it was never in use."""
    found = await connection.execute(_STRATEGY_DOCUMENT, {"name": name, "version": version})
    document: Row | None = found.scalar_one_or_none()
    return document


async def days(connection: AsyncConnection, partition: int, dates: Sequence[date] = ()) -> dict[date, Day]:
    """The partition's days that are not decided yet, and those of these dates, oldest first."""
    found = await connection.execute(_DAYS, {"partition": partition, "dates": dates})
    return {
        row.business_date: Day(row.business_date, row.source_shards, frozenset(row.aged_by), row.decided)
        for row in found
    }


async def save_days(connection: AsyncConnection, partition: int, days: Sequence[Day]) -> None:
    """Write what is known of days."""
    rows = [
        {
            "partition": partition,
            "business_date": one.business_date,
            "source_shards": one.source_shards,
            "aged_by": sorted(one.aged_by),
            "decided": one.decided,
        }
        for one in days
    ]
    await connection.execute(_SAVE_DAYS, {"rows": orjson.dumps(rows).decode()})


async def days_due(connection: AsyncConnection) -> int:
    """How many complete days wait for their decisions, on all partitions."""
    return int((await connection.execute(_COUNT_DAYS_DUE)).scalar_one())


def _customer(row: sa.Row[Any], next_decision_on: date | None) -> Customer:
    case = _case(row.case_file) if row.case_file else None
    repayments = [_repayment(one) for one in row.repayments or ()]
    return Customer(
        customer_id=row.customer_id,
        accounts={one["account_id"]: _account(one) for one in row.accounts or ()},
        cases={case.number: case} if case else {},
        treatments={one["contact_id"]: _treatment(one) for one in row.treatments or ()},
        promises={one["promise_id"]: _promise(one) for one in row.promises or ()},
        holds={one["hold_id"]: _hold(one) for one in row.holds or ()},
        repayments={(one.account_id, one.repayment_id): one for one in repayments},
        next_decision_on=next_decision_on,
    )


def _day(text: str | None) -> Any:
    return date.fromisoformat(text) if text is not None else None


def _account(row: Row) -> Account:
    return Account(**row | {"as_of": _day(row["as_of"])})


def _case(row: Row) -> Case:
    return Case(**row | {"opened_on": _day(row["opened_on"]), "closed_on": _day(row["closed_on"])})


def _treatment(row: Row) -> Treatment:
    dates = {"decided_on": _day(row["decided_on"]), "attempted_on": _day(row["attempted_on"])}
    return Treatment(**row | dates | {"expires_at": datetime.fromisoformat(row["expires_at"])})


def _promise(row: Row) -> Promise:
    dates = {name: _day(row[name]) for name in ("promised_on", "due_on", "judge_on", "judged_on")}
    return Promise(**row | dates | {"accounts": tuple(row["accounts"])})


def _hold(row: Row) -> Hold:
    return Hold(**row | {name: _day(row[name]) for name in ("placed_on", "until_on", "released_on")})


def _repayment(row: Row) -> Repayment:
    return Repayment(**row | {"effective_on": _day(row["effective_on"])})
