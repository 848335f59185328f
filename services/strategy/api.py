"""Strategy over HTTP: cases with their reasons, strategies, and holds."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from services.strategy import store
from services.strategy.domain.facts import HoldLifted, HoldWanted
from services.strategy.handlers import Handlers
from services.strategy.library import Library
from services.strategy.views import CaseDetail, CaseList, case_list, case_view
from shared.contracts.fields import ID_LENGTH_MAX, Date
from shared.runtime.service import Context
from shared.vocabulary.errors import Rejected

Identifier = Annotated[str, Path(min_length=1, max_length=ID_LENGTH_MAX)]
HoldKind = Literal["dispute", "complaint", "hardship", "bankruptcy", "deceased", "legal", "cease_contact"]


class HoldRequest(BaseModel):
    """Stop treating a customer; without `until_on` until somebody releases the hold."""

    kind: HoldKind
    until_on: Date | None = None


class HoldReceipt(BaseModel):
    """The hold that was placed."""

    hold_id: str


class StrategySummary(BaseModel):
    """One strategy in use."""

    name: str
    version: int
    decide: str
    steps: list[str]


def router(context: Context, library: Library, handlers: Handlers) -> APIRouter:
    """Strategy's routes."""
    routes = APIRouter()
    _case_routes(routes, context, library)
    _hold_routes(routes, context, handlers)
    _strategy_routes(routes, context, library)
    return routes


def _case_routes(routes: APIRouter, context: Context, library: Library) -> None:
    @routes.get("/cases", tags=["cases"])
    async def list_cases(
        state: Literal["open", "closed", "all"] = "open",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        after: Annotated[str, Query(max_length=ID_LENGTH_MAX)] = "",
    ) -> CaseList:
        """Cases by customer, each customer's last one; `after` is the last page's `after`."""
        async with context.engine.connect() as connection:
            return case_list(await store.list_cases(connection, state, limit, after), limit)

    @routes.get("/cases/{customer_id}", tags=["cases"])
    async def show_case(customer_id: Identifier) -> CaseDetail:
        """The customer's open or last case: what was done by which rule, and why nothing more is done now."""
        async with context.engine.connect() as connection:
            customer = await store.read_customer(connection, customer_id)
            if customer is None or customer.case is None:
                raise Rejected("case_not_found", "this customer never had a case")
            treatments = await store.treatment_records(connection, customer.case_id)
            business_date = await store.business_date(connection, customer_id)
        return case_view(customer, customer.case, treatments, business_date, library.book)


def _hold_routes(routes: APIRouter, context: Context, handlers: Handlers) -> None:
    @routes.post("/cases/{customer_id}/holds", status_code=201, tags=["holds"])
    async def place_hold(customer_id: Identifier, asked: HoldRequest) -> HoldReceipt:
        """Place a hold; what was asked of contact and is not sent yet is withdrawn."""
        async with context.commands.transaction() as tx:
            today = tx.now.date()
            _refuse_past(asked.until_on, today)
            wanted = HoldWanted(asked.kind, today, until_on=asked.until_on)
            return HoldReceipt(hold_id=await handlers.place_hold(customer_id, wanted, tx))

    @routes.post("/cases/{customer_id}/holds/{hold_id}/release", status_code=204, tags=["holds"])
    async def release_hold(customer_id: Identifier, hold_id: Identifier) -> None:
        """Release a hold; doing so twice is the same as once."""
        async with context.commands.transaction() as tx:
            await handlers.release_hold(customer_id, HoldLifted(hold_id, tx.now.date()), tx)


def _refuse_past(until_on: date | None, today: date) -> None:
    if until_on is not None and until_on < today:
        raise Rejected("until_on_past", "until_on: the last day of a hold lies before today")


def _strategy_routes(routes: APIRouter, context: Context, library: Library) -> None:
    @routes.get("/strategies", tags=["strategies"])
    async def list_strategies() -> list[StrategySummary]:
        """The strategies in use."""
        return [
            StrategySummary(name=one.name, version=one.version, decide=one.decide, steps=[s.name for s in one.steps])
            for one in library.book.strategies.values()
        ]

    @routes.get("/strategies/{name}", tags=["strategies"])
    async def show_strategy(
        name: Identifier, version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
    ) -> dict[str, Any]:
        """A strategy as written; with `version`, as it was written then."""
        if version is None and name in library.documents:
            version = library.documents[name].version
        async with context.engine.connect() as connection:
            document = await store.strategy_document(connection, name, version or 0)
        if document is None:
            raise Rejected("strategy_not_found", "no strategy of that name and version was ever in use")
        return document
