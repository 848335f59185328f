"""Ingest's questions: what an account owes and why, what the portfolio adds up to, which policies are in force."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from services.ingest import answers, store, translate
from services.ingest.beliefs import Question, believed
from services.ingest.domain.assessment import assess
from services.ingest.domain.explanation import explain
from services.ingest.domain.statement import statement
from services.ingest.domain.view import ledger_view
from services.ingest.policies import Policies
from services.ingest.tables import Status
from shared.contracts.fields import Amount
from shared.runtime.asked import Day, Instant
from shared.runtime.service import Context
from shared.vocabulary.errors import Rejected

AccountId = Annotated[str, Path(max_length=200)]
AsOf = Annotated[Day | None, Query(description="the day to assess; by default the latest it is aged to")]
KnownAt = Annotated[Instant | None, Query(description="what was known at this instant; by default, now")]
Policy = Annotated[str | None, Query(max_length=80, description="another pack to assess by: NAME or NAME@VERSION")]


def _question(account_id: AccountId, as_of: AsOf = None, known_at: KnownAt = None, policy: Policy = None) -> Question:
    return Question(account_id, as_of, known_at, policy)


Asked = Annotated[Question, Depends(_question)]


def router(context: Context, policies: Policies) -> APIRouter:
    """Routes over the facts; an assessment of any day is computed from them, not looked up."""
    routes = APIRouter(tags=["ingest"])

    @routes.get("/accounts/{account_id}/delinquency")
    async def delinquency(asked: Asked) -> dict[str, Any]:
        """Days past due, bucket, arrears and what they come from: what was believed at `known_at` about `as_of`."""
        async with context.engine.connect() as connection:
            known = await believed(connection, policies, asked)
        day = known.as_of
        # A long ledger takes seconds: shards of this process and health checks go on meanwhile.
        now = await asyncio.to_thread(assess, known.facts, known.rules, day)
        why = await asyncio.to_thread(explain, known.facts, known.rules, day)
        return {
            "account_id": asked.account_id,
            "customer_id": known.opened.customer_id,
            **answers.assessed(now, why, known.rules),
            "delinquent": now.delinquent,
            "state": now.state,
            "version": known.version,
        }

    @routes.get("/accounts/{account_id}/ledger")
    async def ledger(asked: Asked) -> dict[str, Any]:
        """Every obligation with what was allocated to it by which repayment, and the running balance."""
        async with context.engine.connect() as connection:
            known = await believed(connection, policies, asked)
        view = await asyncio.to_thread(ledger_view, known.facts, known.rules, known.as_of)
        return {
            "account_id": asked.account_id,
            "as_of": known.as_of,
            "currency": known.opened.currency,
            "obligations": [known.shown(o) for o in view.obligations],
            "repayments": [known.shown(r) for r in view.repayments],
            "entries": [known.shown(entry) for entry in statement(view)],
        }

    @routes.get("/accounts/{account_id}/statuses")
    async def statuses(
        account_id: AccountId,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """What was published of the account, oldest first: never edited, only followed; page with `after`."""
        async with context.engine.connect() as connection:
            account = await store.one(connection, account_id)
            rows = await store.told(connection, account_id, after, limit) if account else []
        if account is None:
            raise Rejected("account_not_found", "no fact of this account has arrived")
        shown = [_told(row, told_at, account["currency"]) for row, told_at in rows]
        return {"statuses": shown, "next_after": rows[-1][0].version if len(rows) == limit else None}

    @routes.get("/portfolio")
    async def portfolio() -> dict[str, Any]:
        """Totals of the ledgers by currency, bucket and state, and how many facts they hold."""
        async with context.engine.connect() as connection:
            rows = await store.portfolio(connection)
            kinds, waiting = await store.fact_counts(connection)
        return {"totals": [_total(row) for row in rows], "facts": kinds, "facts_waiting": waiting}

    return routes


def _told(row: Status, told_at: datetime, currency: str) -> dict[str, Any]:
    change, packs = translate.as_told(row.version, row.body)
    now, repayment = change.assessment, change.repayment
    return {
        "version": row.version,
        "told_at": told_at,
        "event_id": row.event_id,
        "kind": change.kind,
        **answers.figures(now, currency),
        "previous_bucket": change.previous_bucket,
        "delinquent": now.delinquent,
        "state": now.state,
        "policies": packs.split(),
        "reason": change.reason,
        "cause": change.cause,
        "through": change.through,
        "repayment_id": repayment.id if repayment else None,
    }


def _total(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "currency": row["currency"],
        "bucket": row["bucket"],
        "state": row["state"],
        "accounts": row["accounts"],
        "arrears": Amount.of(row["arrears_minor"], row["currency"]).amount,
        "exposure": Amount.of(row["exposure_minor"], row["currency"]).amount,
    }
