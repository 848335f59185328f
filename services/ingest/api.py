"""Ingest's questions: what an account owes and why, what the portfolio adds up to, which policies are in force."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import store, translate
from services.ingest.domain.assessment import assess
from services.ingest.domain.facts import Fact, Opened
from services.ingest.domain.policy import Rules
from services.ingest.domain.view import ledger_view
from services.ingest.packs import Packs
from services.ingest.tables import FactRow
from shared.contracts.fields import Amount
from shared.runtime.service import Context
from shared.vocabulary.errors import Rejected
from shared.vocabulary.money import decimal_text

AccountId = Annotated[str, Path(max_length=200)]
AsOf = Annotated[date | None, Query(description="the day to assess; by default the latest it is aged to")]


def router(context: Context, packs: Packs) -> APIRouter:
    """Routes over the facts; an assessment of any day is computed from them, not looked up."""
    routes = APIRouter(tags=["ingest"])

    @routes.get("/accounts/{account_id}/delinquency")
    async def delinquency(account_id: AccountId, as_of: AsOf = None) -> dict[str, Any]:
        """Days past due, bucket, arrears and what they come from."""
        async with context.engine.connect() as connection:
            known = await _known(connection, account_id, packs)
        day = as_of or known.as_of
        now = assess(known.facts, known.rules, day)
        view = ledger_view(known.facts, known.rules, day)
        overdue = [o for o in view.obligations if o.overdue]
        return {
            "account_id": account_id,
            "customer_id": known.opened.customer_id,
            "as_of": now.as_of,
            "days_past_due": now.days_past_due,
            "bucket": now.bucket,
            "delinquent": now.delinquent,
            "delinquent_since": now.delinquent_since,
            "arrears": known.money(now.arrears_minor),
            "exposure": known.money(now.exposure_minor),
            "oldest_due_on": now.oldest_due_on,
            "next_transition_on": now.next_transition_on,
            "classifications": dict(now.classifications),
            "state": now.state,
            "policy": known.rules.policy.name,
            "policy_version": known.rules.policy.version,
            "version": known.version,
            "explanation": {
                "oldest_overdue": known.shown(overdue[0]) if overdue else None,
                "overdue_obligations": len(overdue),
                "overdue_convention": known.rules.policy.overdue,
                "grace_days": known.rules.policy.grace_days,
            },
        }

    @routes.get("/accounts/{account_id}/ledger")
    async def ledger(account_id: AccountId, as_of: AsOf = None) -> dict[str, Any]:
        """Every obligation with what was allocated to it by which repayment."""
        async with context.engine.connect() as connection:
            known = await _known(connection, account_id, packs)
        view = ledger_view(known.facts, known.rules, as_of or known.as_of)
        return {
            "account_id": account_id,
            "as_of": as_of or known.as_of,
            "currency": known.opened.currency,
            "obligations": [known.shown(o) for o in view.obligations],
            "repayments": [known.shown(r) for r in view.repayments],
        }

    @routes.get("/portfolio")
    async def portfolio() -> dict[str, Any]:
        """Totals of the ledgers by currency, bucket and state, and how many facts they hold."""
        async with context.engine.connect() as connection:
            rows = await store.portfolio(connection)
            kinds, waiting = await store.fact_counts(connection)
        return {"totals": [_total(row) for row in rows], "facts": kinds, "facts_waiting": waiting}

    @routes.get("/policies")
    async def policies() -> dict[str, Any]:
        """The policy packs in force."""
        return {"policies": packs.described()}

    @routes.get("/policies/{name}")
    async def policy(name: Annotated[str, Path(max_length=64)]) -> dict[str, Any]:
        """One policy pack."""
        for pack in packs.described():
            if pack["name"] == name:
                return dict(pack)
        raise Rejected("policy_not_found", f"there is no policy pack of that name; GET /policies lists {len(packs)}")

    return routes


class _Known:
    """One opened account's facts and rules, as read for a question."""

    def __init__(self, rows: list[FactRow], version: int, as_of: date, packs: Packs) -> None:
        opened = next(f for f, _ in map(translate.stored, rows) if isinstance(f, Opened))
        self.opened = opened
        self.facts: list[Fact] = [translate.stored(r)[0] for r in rows if r.currency in (None, opened.currency)]
        self.rules: Rules = packs.rules(opened.policy, opened.classifications)
        self.version = version
        self.as_of = as_of

    def money(self, amount_minor: int) -> dict[str, str]:
        """Wire form of an amount in the account's currency."""
        return {"amount": decimal_text(amount_minor, self.opened.currency), "currency": self.opened.currency}

    def shown(self, row: Any) -> dict[str, Any]:
        """A ledger row with its `..._minor` fields as decimal strings."""
        fields = {name: getattr(row, name) for name in row.__slots__}
        return {name.removesuffix("_minor"): self._text(name, value) for name, value in fields.items()}

    def _text(self, name: str, value: Any) -> Any:
        if name.endswith("_minor"):
            return decimal_text(value, self.opened.currency)
        if name == "allocations":
            return [{"to": other, "amount": decimal_text(minor, self.opened.currency)} for other, minor in value]
        return value


async def _known(connection: AsyncConnection, account_id: str, packs: Packs) -> _Known:
    row = await store.one(connection, account_id)
    if row is None:
        raise Rejected("account_not_found", "no fact of this account has arrived")
    account = translate.account(account_id, row["folded"], packs.rules)
    if account.rules is None:
        raise Rejected("account_not_found", f"{account.waiting} facts of this account wait for its AccountOpened")
    rows = (await store.history(connection, [account_id]))[account_id]
    # A day that changed nothing left no trace in the account: the shard knows how far it is aged.
    return _Known(rows, account.version, max(account.as_of, row["aged_to"] or account.as_of), packs)


def _total(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "currency": row["currency"],
        "bucket": row["bucket"],
        "state": row["state"],
        "accounts": row["accounts"],
        "arrears": Amount.of(row["arrears_minor"], row["currency"]).amount,
        "exposure": Amount.of(row["exposure_minor"], row["currency"]).amount,
    }
