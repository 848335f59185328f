"""`POST /assessments`: the stateless calculator behind HTTP. It reads no account and keeps nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response

from services.ingest.assess import REQUEST_BYTES_MAX, Question, answer, question
from services.ingest.packs import Packs
from shared.vocabulary.errors import Rejected

_BODY: Final = {"content": {"application/json": {"schema": Question.model_json_schema()}}, "required": True}


def router(packs: Callable[[], Awaitable[Packs]]) -> APIRouter:
    """The route; `packs` are those in force when a question comes."""
    routes = APIRouter(tags=["ingest"])

    @routes.post("/assessments", openapi_extra={"requestBody": _BODY})
    async def assessments(request: Request) -> Response:
        """Assess the facts given, by the packs given, as of the dates given."""
        asked = question(await _body(request))
        # A long ledger takes a second: the health checks go on meanwhile.
        answered = await asyncio.to_thread(answer, asked, await packs())
        return Response(orjson.dumps(answered), media_type="application/json")

    return routes


async def _body(request: Request) -> bytes:
    """The request's body, read no further than it may be long."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > REQUEST_BYTES_MAX:
            raise Rejected("request_too_large", f"at most {REQUEST_BYTES_MAX} bytes are read")
    return bytes(read)
