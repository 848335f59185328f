"""Contact's HTTP routes: the call queue, receipts, replies, and everything that was sent or refused with why."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncEngine

from services.contact import call_outcomes, consents, reports
from services.contact.call_outcomes import Answer, Filed
from services.contact.call_queue import CallQueue
from services.contact.domain.attempt import State
from services.contact.domain.facts import Statement
from services.contact.domain.optout import is_opt_out
from services.contact.forms import InboundForm, NextTasks, OutcomeForm, ResolveForm, TaskAnswer, task_answer
from services.contact.providers import ReceiptReader
from services.contact.reports import Report
from services.contact.store import attempts, calls, contacts
from services.contact.together import Together
from shared.messaging import Commands
from shared.vocabulary.errors import Rejected

RECEIPT_BYTES_MAX = 16_384


@dataclass(frozen=True)
class Parts:
    """What the routes work with."""

    engine: AsyncEngine
    commands: Commands
    queue: CallQueue
    reader: ReceiptReader
    channels: Sequence[str]


class _AsItComes(APIRoute):
    """A route whose function takes the request itself: nothing is looked for that is not there."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function as it is."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


def router(parts: Parts) -> APIRouter:
    """All routes."""
    routes = APIRouter(tags=["contact"])
    _for_collectors(routes, parts)
    _for_providers(routes, parts)
    _for_auditors(routes, parts)
    _for_operations(routes, parts)
    return routes


def _for_collectors(routes: APIRouter, parts: Parts) -> None:
    commands, queue = parts.commands, parts.queue
    outcomes: Together[Filed, Answer] = Together(commands, call_outcomes.report_calls)

    @routes.post("/call-tasks/next")
    async def next_tasks(form: NextTasks) -> dict[str, list[TaskAnswer]]:
        """Lease the most urgent calls that may be made now; fewer, or none, when there are not enough."""
        async with commands.transaction() as tx:
            tasks = await queue.next(tx, form.collector, form.limit)
        return {"tasks": [task_answer(task) for task in tasks]}

    @routes.post("/call-tasks/{contact_id}/outcome")
    async def outcome(contact_id: str, form: OutcomeForm) -> dict[str, Any]:
        """Report how a leased call ended. The same report again gets the same answer, another one a conflict."""
        filed = Filed(contact_id, form.collector, form.report(), form.model_dump(mode="json"))
        return await outcomes.run(filed)


def _for_providers(routes: APIRouter, parts: Parts) -> None:
    commands, reader = parts.commands, parts.reader
    receipts: Together[Report, State] = Together(commands, reports.receive)

    async def sms_status(request: Request) -> Response:
        """A delivery receipt in Twilio's form; repeats and any order are fine."""
        raw = await request.body()
        if len(raw) > RECEIPT_BYTES_MAX:
            raise Rejected("too_large", f"a receipt has at most {RECEIPT_BYTES_MAX} bytes")
        form = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
        query = request.scope["query_string"].decode("utf-8", "replace")
        report = reader.report(query, form, request.headers.get("x-twilio-signature"))
        if report is not None:
            await receipts.run(report)
        return Response(status_code=204)

    routes.add_api_route(
        "/providers/sms/status", sms_status, methods=["POST"], status_code=204, route_class_override=_AsItComes
    )

    @routes.post("/inbound")
    async def inbound(form: InboundForm) -> dict[str, str]:
        """A customer's reply: STOP, or words like it, opts out of the channel."""
        async with commands.transaction() as tx:
            if not await calls.lock_customer(tx.connection, form.customer_id):
                raise Rejected("customer_not_found", "no customer of that id is known")
            if not is_opt_out(form.text):
                return {"customer_id": form.customer_id, "action": "none"}
            await consents.say(tx, [Statement(form.customer_id, form.channel, "", False, tx.now)])
        return {"customer_id": form.customer_id, "action": "opted_out"}


def _for_auditors(routes: APIRouter, parts: Parts) -> None:
    engine = parts.engine

    @routes.get("/contacts/{contact_id}")
    async def contact(contact_id: str) -> dict[str, Any]:
        """One contact, its attempts and every decision of the gate on it."""
        async with engine.connect() as connection:
            found = await contacts.show(connection, contact_id=contact_id)
        if not found:
            raise Rejected("contact_not_found", "no contact of that id was requested")
        return found[0]

    @routes.get("/customers/{customer_id}/contacts")
    async def contacts_of(
        customer_id: str, limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> dict[str, list[dict[str, Any]]]:
        """Everything sent to a customer, or refused, newest first."""
        async with engine.connect() as connection:
            return {"contacts": await contacts.show(connection, customer_id=customer_id, rows_max=limit)}


def _for_operations(routes: APIRouter, parts: Parts) -> None:
    engine, commands = parts.engine, parts.commands

    @routes.get("/attempts")
    async def attempts_in(
        state: Annotated[State, Query()], limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> dict[str, list[dict[str, Any]]]:
        """Attempts in a state, oldest first; `unknown` are those that wait for the provider or a person."""
        async with engine.connect() as connection:
            return {"attempts": await attempts.listed(connection, state, [*parts.channels, "call"], limit)}

    @routes.get("/attempts/totals")
    async def attempt_totals() -> dict[str, list[dict[str, Any]]]:
        """How many attempts there are by channel and state."""
        async with engine.connect() as connection:
            return {"totals": await attempts.totals(connection)}

    @routes.post("/attempts/{attempt_id}/resolve")
    async def resolve(attempt_id: str, form: ResolveForm) -> dict[str, str]:
        """A person says what became of an attempt of unknown fate."""
        async with commands.transaction() as tx:
            state = await reports.settle(tx, attempt_id, State(form.state), form.by)
        return {"attempt_id": attempt_id, "state": state}
