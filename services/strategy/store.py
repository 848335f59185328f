"""Every statement of strategy: one to look, one to save.

Rows come as JSON arrays (`rows`) and go as JSON objects whose keys are column names.

A customer's row is the lock for all of theirs: whoever changes anything of a customer locks it first, in the order of
ids, and reads the rest then. So a partition's loop and a command never overwrite each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.strategy import rows
from services.strategy.changes import Changes, Loaded
from services.strategy.domain.customer import Customer
from services.strategy.domain.day import Day

Row = dict[str, Any]

_LOCKED = "SELECT customer_id, partition, next_decision_on, ctid AS place FROM customer"
_OF_THESE = f"{_LOCKED} WHERE customer_id = ANY(:ids)"
_OF_THE_CASE = "t.case_id = f.case_id"
# Where nothing is going to be decided, only what may be withdrawn matters of a case's treatments, and what has news.
_OF_WHAT_IS_LEARNED = f"{_OF_THE_CASE} AND (t.state = 'requested' OR f.strategy <> ALL(:at_day_end))"


def _customers(locked: str, treatments: str = _OF_THE_CASE, promised: str = "NULL::date") -> str:
    """All parts of the customers of a statement that locks them.

    A statement sees what was committed before it, yet a lock is had after waiting for whoever held it. They leave the
    row at another place than it was seen at (`_LOCK`), so that the customer counts as seen too early.

    Of repayments, those that may count for a promise, stored or about to be (from its date on).
    """
    return f"""WITH locked AS MATERIALIZED ({locked})
        SELECT (
          SELECT json_agg(json_build_array(
            l.customer_id, l.partition, seen.ctid <> l.place, l.next_decision_on,
            CASE WHEN f.case_id IS NOT NULL THEN {rows.CASE.json("f")} END,
            (SELECT json_agg({rows.ACCOUNT.json("a")}) FROM account a WHERE a.customer_id = l.customer_id),
            (SELECT json_agg({rows.TREATMENT.json("t")}) FROM treatment t
             WHERE t.customer_id = l.customer_id AND {treatments}),
            (SELECT json_agg({rows.PROMISE.json("p")}) FROM promise p WHERE p.customer_id = l.customer_id),
            (SELECT json_agg({rows.HOLD.json("h")}) FROM hold h WHERE h.customer_id = l.customer_id),
            (SELECT json_agg({rows.REPAYMENT.json("r")}) FROM repayment r WHERE r.customer_id = l.customer_id
             AND (r.effective_on IS NULL OR r.effective_on >= LEAST({promised}, (
               SELECT min(promised_on) FROM promise p WHERE p.customer_id = l.customer_id))))
          ) ORDER BY l.next_decision_on, l.customer_id)
          FROM locked l
          JOIN customer seen ON seen.customer_id = l.customer_id
          LEFT JOIN LATERAL (
            SELECT * FROM case_file f WHERE f.customer_id = l.customer_id ORDER BY f.number DESC LIMIT 1) f ON true
        ) AS customers"""  # noqa: S608  put together from this module's own words


# What a batch needs to know, in one statement: its customers, the treatments its contacts belong to, and the days that
# are not decided or that it tells of.
_LOOK = (
    sa.text(
        f"""{
            _customers(
                f"{_OF_THESE} ORDER BY customer_id FOR UPDATE",
                _OF_WHAT_IS_LEARNED,
                "(CAST(:promised AS json) ->> l.customer_id)::date",
            )
        },
          (SELECT json_agg({rows.TREATMENT.json("t")}) FROM treatment t
           WHERE t.contact_id = ANY(:contacts)) AS treatments,
          (SELECT json_agg({rows.DAY.json("d")} ORDER BY d.business_date) FROM day d
           WHERE d.partition = :partition AND (NOT d.decided OR d.business_date = ANY(:dates))) AS days"""  # noqa: S608
    )
    .bindparams(
        sa.bindparam("ids", type_=ARRAY(sa.Text)),
        sa.bindparam("at_day_end", type_=ARRAY(sa.Text)),
        sa.bindparam("contacts", type_=ARRAY(sa.Text)),
        sa.bindparam("dates", type_=ARRAY(sa.Date)),
    )
    .columns(customers=sa.JSON, treatments=sa.JSON, days=sa.JSON)
)
_LOOK_AT_DUE = sa.text(
    _customers(
        f"""{_LOCKED} WHERE partition = :partition AND next_decision_on <= :on
            ORDER BY next_decision_on, customer_id LIMIT :customers_max FOR UPDATE"""
    )
).columns(customers=sa.JSON)
_READ = sa.text(_customers(_OF_THESE)).bindparams(sa.bindparam("ids", type_=ARRAY(sa.Text))).columns(customers=sa.JSON)
# A lock that shows: whoever saw the row before this commits, and gets it after, looks again.
_LOCK = sa.text("UPDATE customer SET partition = partition WHERE customer_id = :customer_id")
_SEEN_TOO_EARLY: Final = 2

_DUE_DAY = sa.text(
    f"""SELECT {rows.DAY.json("d")} FROM day d
        WHERE partition = :partition AND NOT decided AND cardinality(aged_by) >= source_shards
        ORDER BY business_date LIMIT 1"""  # noqa: S608
).columns(sa.column("day", sa.JSON))
_COUNT_DAYS_DUE = sa.text("SELECT count(*) FROM day WHERE NOT decided AND cardinality(aged_by) >= source_shards")


def _rows(name: str, table: str) -> str:
    return f"json_populate_recordset(NULL::{table}, CAST(:{name} AS json))"


def _upsert(name: str, table: str, key: str, columns: str) -> str:
    """Write whole rows of a table; on a known key replace these columns."""
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns.split())
    return (  # the words come from the lines below, not from anybody's input
        f"INSERT INTO {table} SELECT * FROM {_rows(name, table)} ON CONFLICT ({key}) DO UPDATE SET {updates}"  # noqa: S608
    )


_WRITES: Final = {
    "customers": _upsert("customers", "customer", "customer_id", "partition next_decision_on"),
    "accounts": _upsert(
        "accounts", "account", "account_id",
        "customer_id version as_of product delinquent days_past_due bucket arrears_minor currency state through",
    ),
    "cases": _upsert("cases", "case_file", "case_id", "strategy strategy_version closed_on reason"),
    "new_treatments": f"INSERT INTO treatment SELECT * FROM {_rows('new_treatments', 'treatment')}",  # noqa: S608
    "treatments": """UPDATE treatment t SET state = n.state, outcome = n.outcome, attempted_on = n.attempted_on
                     FROM json_to_recordset(CAST(:treatments AS json))
                       AS n (contact_id text, state text, outcome text, attempted_on date)
                     WHERE t.contact_id = n.contact_id""",
    "promises": _upsert("promises", "promise", "customer_id, promise_id", "state paid_minor judged_on"),
    "holds": _upsert("holds", "hold", "customer_id, hold_id", "released_on"),
    # Only half of a repayment may be in memory (its receipt is not loaded where no promise needs it): keep the other.
    "repayments": f"""INSERT INTO repayment SELECT * FROM {_rows("repayments", "repayment")}
                      ON CONFLICT (account_id, repayment_id) DO UPDATE SET
                        amount_minor = COALESCE(excluded.amount_minor, repayment.amount_minor),
                        effective_on = COALESCE(excluded.effective_on, repayment.effective_on),
                        undone_minor = LEAST(excluded.undone_minor, repayment.undone_minor)""",  # noqa: S608
    "days": _upsert("days", "day", "partition, business_date", "source_shards aged_by decided"),
}  # fmt: skip


@lru_cache
def _save(tables: tuple[str, ...]) -> sa.TextClause:
    """One statement that writes to these tables: PostgreSQL runs every write named in it, used by the last or not."""
    *before, last = (_WRITES[table] for table in tables)
    named = ", ".join(f"{table}_written AS ({write})" for table, write in zip(tables, before, strict=False))
    return sa.text(f"WITH {named} {last}" if before else last)


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


@dataclass(slots=True)
class Asked:
    """What a batch is about. `promised`: by customer, from when repayments count for promises about to be made."""

    customers: set[str] = field(default_factory=set)
    promised: dict[str, date] = field(default_factory=dict)
    contacts: set[str] = field(default_factory=set)
    dates: set[date] = field(default_factory=set)


@dataclass(slots=True)
class Seen:
    """What is known of it: customers by id, and the partition's days, asked for or not decided, oldest first."""

    customers: dict[str, Loaded]
    days: dict[date, Day]


async def look(connection: AsyncConnection, partition: int, asked: Asked, at_day_end: Sequence[str]) -> Seen:
    """Lock what is known of a batch's customers and read it, and the partition's days.

    Of cases whose strategy is one of `at_day_end`, treatments that no fact can touch are left out.
    """
    row = await _look(
        connection,
        _LOOK,
        {
            "partition": partition,
            "ids": list(asked.customers),
            "at_day_end": at_day_end,
            "promised": orjson.dumps(asked.promised).decode(),
            "contacts": list(asked.contacts),
            "dates": list(asked.dates),
        },
    )
    heard_of: dict[str, list[list[Any]]] = {}
    for treatment in row.treatments or ():
        heard_of.setdefault(treatment[rows.CUSTOMER_OF_TREATMENT], []).append(treatment)
    customers = {one[0]: _loaded(one, heard_of.get(one[0], ())) for one in row.customers or ()}
    return Seen(customers, {day.business_date: day for day in map(rows.DAY, row.days or ())})


async def look_at_due(connection: AsyncConnection, partition: int, on: date, customers_max: int) -> list[Loaded]:
    """Lock and read the next customers of a partition that are due on a day, in a fixed order."""
    asked = {"partition": partition, "on": on, "customers_max": customers_max}
    row = await _look(connection, _LOOK_AT_DUE, asked)
    return [_loaded(one) for one in row.customers or ()]


async def lock(connection: AsyncConnection, customer_id: str) -> bool:
    """Lock a customer for a command, which nobody sees coming; False when strategy does not know them."""
    return bool((await connection.execute(_LOCK, {"customer_id": customer_id})).rowcount)


async def save(connection: AsyncConnection, changes: Changes) -> None:
    """Write what changed; a table without changes costs nothing."""
    customers = [
        {"customer_id": one.customer_id, "partition": partition, "next_decision_on": one.next_decision_on}
        for one, partition in changes.customers
    ]
    days = [
        {
            "partition": partition,
            "business_date": one.business_date,
            "source_shards": one.source_shards,
            "aged_by": sorted(one.aged_by),
            "decided": one.decided,
        }
        for one, partition in changes.days
    ]
    became = [
        {"contact_id": one.contact_id, "state": one.state, "outcome": one.outcome, "attempted_on": one.attempted_on}
        for one in changes.treatments
    ]
    written = {name: getattr(changes, name) for name in _WRITES}
    written |= {"customers": customers, "treatments": became, "days": days}
    found = {name: orjson.dumps(some).decode() for name, some in written.items() if some}
    if found:
        await connection.execute(_save(tuple(found)), found)


async def read_customer(connection: AsyncConnection, customer_id: str) -> Customer | None:
    """What is known of one customer, without a lock: for showing only."""
    found = (await connection.execute(_READ, {"ids": [customer_id]})).one().customers
    return _loaded(found[0]).customer if found else None


async def due_day(connection: AsyncConnection, partition: int) -> Day | None:
    """The oldest complete day of the partition that is not decided."""
    found = (await connection.execute(_DUE_DAY, {"partition": partition})).scalar_one_or_none()
    return rows.DAY(found) if found is not None else None


async def days_due(connection: AsyncConnection) -> int:
    """How many complete days wait for their decisions, on all partitions."""
    return int((await connection.execute(_COUNT_DAYS_DUE)).scalar_one())


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


async def _look(connection: AsyncConnection, statement: sa.Executable, asked: Row) -> sa.Row[Any]:
    """The statement's row. Looks again when a command came in between; then it waits for nobody, and sees all."""
    while True:
        row = (await connection.execute(statement, asked)).one()
        if not any(one[_SEEN_TOO_EARLY] for one in row.customers or ()):
            return row


def _loaded(row: list[Any], heard_of: Sequence[list[Any]] = ()) -> Loaded:
    customer_id, partition, _, next_decision_on, case_file, accounts, treatments, *others = row
    treatments = [*(treatments or ()), *heard_of]
    return Loaded.of(rows.customer(customer_id, next_decision_on, case_file, accounts, treatments, *others), partition)
