"""`POST /assessments`: the stateless calculator behind HTTP. It reads no account and keeps nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response

from services.ingest.assess import Question, answer, question
from services.ingest.packs import Packs

_BODY: Final = {"content": {"application/json": {"schema": Question.model_json_schema()}}, "required": True}


def router(packs: Callable[[], Awaitable[Packs]]) -> APIRouter:
    """The route; `packs` are those in force when a question comes."""
    routes = APIRouter(tags=["ingest"])

    @routes.post("/assessments", openapi_extra={"requestBody": _BODY})
    async def assessments(request: Request) -> Response:
        """Assess the facts given, by the packs given, as of the dates given."""
        asked = question(await request.body())
        # A long ledger takes a second: the health checks go on meanwhile.
        answered = await asyncio.to_thread(answer, asked, await packs())
        return Response(orjson.dumps(answered), media_type="application/json")

    return routes
