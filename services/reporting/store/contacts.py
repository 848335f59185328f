"""Cases, treatments, contacts and promises, and the counts that follow them.

A contact or promise changes its row as it gets on; the counts of its day move by the difference between the row
before and after, so a dashboard never adds up contacts. Counts are kept per shard: no two transactions write one row.
"""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.domain.contact import Contact, Promise
from services.reporting.store.sql import BIG, DATE, INT, TEXT, Columns, Row, Statement
from services.reporting.tables import STAGES

_KINDS: Final = {"arrears_minor": BIG, "promised_minor": BIG, "paid_minor": BIG, "days_past_due": INT}


def _columns(kind: type[Contact] | type[Promise]) -> Columns:
    return {name: DATE if name.endswith("_on") else _KINDS.get(name, TEXT) for name in kind._fields}


_CONTACT: Final = _columns(Contact)
_KEPT_FIRST: Final = [name for name in _CONTACT if name not in ("contact_id", "promise_outcome")]
_REACHED: Final = {
    "requested": "requested_on IS NOT NULL",
    "suppressed": "suppressed_on IS NOT NULL",
    "attempted": "attempted_on IS NOT NULL",
    "delivered": "delivered_on IS NOT NULL",
    "failed": "failed_on IS NOT NULL",
    "reached": "coalesce(delivered_on, right_party_on) IS NOT NULL",
    "right_party": "right_party_on IS NOT NULL",
    "promised": "promised_on IS NOT NULL",
    "kept": "promise_outcome = 'kept'",
    "broken": "promise_outcome = 'broken'",
}
_COUNTED: Final = [*STAGES, *(f"{stage}_minor" for stage in STAGES)]


_COUNTED_BY: Final = (
    "requested_on", "currency", "channel", "arrears_minor", "attempted_on", "delivered_on", "failed_on",
    "suppressed_on", "suppressed_rule", "right_party_on", "promised_on", "promise_outcome",
)  # fmt: skip


def _sides(names: Sequence[str]) -> str:
    return ", ".join(f"{side}.{name} AS {side}_{name}" for side in ("old", "new") for name in names)


def _side(side: str, sign: str) -> str:
    columns = ", ".join(f"{side}_{name} AS {name}" for name in _COUNTED_BY)
    return f"SELECT {sign}1 AS sign, {columns} FROM changed WHERE {side}_requested_on IS NOT NULL"


_PROMISE: Final = _columns(Promise)
_PROMISE_COUNTED: Final = ("made", "made_minor", "kept", "broken", "judged_minor", "paid_minor")


def _promise_side(side: str, sign: str) -> str:
    return f"""
        SELECT {side}_promised_on AS day, {side}_currency AS currency, {sign}1 AS made,
               {sign}{side}_promised_minor AS made_minor, 0 AS kept, 0 AS broken, 0 AS judged_minor, 0 AS paid_minor
        FROM changed WHERE {side}_promised_on IS NOT NULL
        UNION ALL
        SELECT {side}_judged_on, {side}_currency, 0, 0, {sign}({side}_outcome = 'kept')::int,
               {sign}({side}_outcome = 'broken')::int, {sign}{side}_promised_minor,
               {sign}least({side}_paid_minor, {side}_promised_minor)
        FROM changed WHERE {side}_judged_on IS NOT NULL"""


_PROMISE_SIDES: Final = _sides(("currency", "promised_on", "promised_minor", "outcome", "judged_on", "paid_minor"))
_VERDICT: Final = ("outcome", "judged_on", "paid_minor")
_LATER: Final = "excluded.judged_on >= coalesce(p.judged_on, '-infinity')"
# The verdict with the later date holds. What the promise's contact should know goes back to the caller.
_SAVE_PROMISES = Statement(
    {"told": _PROMISE},
    f"""WITH changed AS (
            INSERT INTO fact_promise AS p ({", ".join(_PROMISE)}) SELECT * FROM {{told}}
            ON CONFLICT (promise_id) DO UPDATE
            SET case_id = coalesce(p.case_id, excluded.case_id),
                contact_id = coalesce(p.contact_id, excluded.contact_id),
                {", ".join(f"{name} = CASE WHEN {_LATER} THEN excluded.{name} ELSE p.{name} END" for name in _VERDICT)}
            RETURNING new.contact_id AS contact_id, {_PROMISE_SIDES}
        ), sided AS ({_promise_side("new", "+")} UNION ALL {_promise_side("old", "-")}
        ), counted AS (
            INSERT INTO promise_count AS c (shard, day, currency, {", ".join(_PROMISE_COUNTED)})
            SELECT {{shard}}, day, currency, {", ".join(f"sum({name})" for name in _PROMISE_COUNTED)}
            FROM sided GROUP BY day, currency
            ON CONFLICT (shard, day, currency) DO UPDATE
            SET {", ".join(f"{name} = c.{name} + excluded.{name}" for name in _PROMISE_COUNTED)}
        )
        SELECT contact_id, new_promised_on, new_outcome FROM changed WHERE contact_id IS NOT NULL""",
    shard=INT,
)

_CASE: Final = {
    "case_id": TEXT, "customer_id": TEXT, "opened_on": DATE, "closed_on": DATE, "close_reason": TEXT,
    "strategy": TEXT, "strategy_version": INT, "arm": TEXT,
}  # fmt: skip
_TREATMENT: Final = {
    "treatment_id": TEXT, "case_id": TEXT, "customer_id": TEXT, "decided_on": DATE, "step": TEXT, "rule": TEXT,
    "strategy": TEXT, "strategy_version": INT, "channel": TEXT,
}  # fmt: skip
# A contact counts once it is known when it was requested; until then outcomes wait in its row. Of a case, None leaves
# what is there; a treatment already there stays.
_SAVE = Statement(
    {"contacts": _CONTACT, "cases": _CASE, "treatments": _TREATMENT},
    f"""WITH changed AS (
            INSERT INTO fact_contact ({", ".join(_CONTACT)}) SELECT * FROM {{contacts}}
            ON CONFLICT (contact_id) DO UPDATE
            SET {", ".join(f"{name} = coalesce(fact_contact.{name}, excluded.{name})" for name in _KEPT_FIRST)},
                promise_outcome = coalesce(excluded.promise_outcome, fact_contact.promise_outcome)
            RETURNING {_sides(_COUNTED_BY)}
        ), sided AS ({_side("new", "+")} UNION ALL {_side("old", "-")}
        ), counted AS (
            INSERT INTO contact_count (shard, requested_on, currency, channel, rule, {", ".join(_COUNTED)})
            SELECT {{shard}}, requested_on, coalesce(currency, ''), channel, coalesce(suppressed_rule, ''),
                   {", ".join(f"coalesce(sum(sign) FILTER (WHERE {_REACHED[s]}), 0)" for s in STAGES)},
                   {", ".join(f"coalesce(sum(sign * arrears_minor) FILTER (WHERE {_REACHED[s]}), 0)" for s in STAGES)}
            FROM sided GROUP BY requested_on, currency, channel, suppressed_rule
            ON CONFLICT (shard, requested_on, currency, channel, rule) DO UPDATE
            SET {", ".join(f"{name} = contact_count.{name} + excluded.{name}" for name in _COUNTED)}
        ), worked AS (
            INSERT INTO fact_case ({", ".join(_CASE)}) SELECT * FROM {{cases}}
            ON CONFLICT (case_id) DO UPDATE
            SET {", ".join(f"{name} = coalesce(excluded.{name}, fact_case.{name})" for name in list(_CASE)[2:])}
        )
        INSERT INTO fact_treatment ({", ".join(_TREATMENT)}) SELECT * FROM {{treatments}} ON CONFLICT DO NOTHING""",
    shard=INT,
)


async def save_promises(connection: AsyncConnection, shard: int, promises: Collection[Promise]) -> list[Contact]:
    """Write promises (one row each) and their counts; what their contacts have now reached."""
    if not promises:
        return []
    found = await _SAVE_PROMISES.execute(connection, {"told": promises}, shard=shard)
    return [Contact(contact, promised_on=day, promise_outcome=outcome) for contact, day, outcome in found]


async def save(
    connection: AsyncConnection,
    shard: int,
    *,
    contacts: Collection[Contact],
    cases: Collection[Row],
    treatments: Collection[Row],
) -> None:
    """Write contacts with the counts of the days they were requested on, cases and treatments; one row each."""
    if contacts or cases or treatments:
        rows = {"contacts": contacts, "cases": cases, "treatments": treatments}
        await _SAVE.execute(connection, rows, shard=shard)
