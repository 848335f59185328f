"""`POST /events`: core banking's events over HTTP, for cores that cannot speak Kafka."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.ingest.intake import Intake
from shared.contracts.http_binding import BATCH, SINGLE

_OBJECT: Final = {"schema": {"type": "object"}}
_BODY: Final = {
    "required": True,
    "content": {SINGLE: _OBJECT, BATCH: {"schema": {"type": "array", "items": {"type": "object"}}},
                "application/json": _OBJECT},
}  # fmt: skip
_KEY: Final = {
    "name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 200},
    "description": "the same key with the same request has the same answer, and nothing is published twice",
}  # fmt: skip


def router(intake: Intake) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["events"])

    @routes.post("/events", openapi_extra={"requestBody": _BODY, "parameters": [_KEY]})
    async def events(request: Request) -> JSONResponse:
        """Publish CloudEvents to the banking topics: one or a batch, structured or binary.

        200: all are in Kafka. 207: those marked so are. 422: none is. 503: not known yet; send the same again.
        """
        results = await intake.take(dict(request.headers), await request.body())
        published = sum(result["status"] == "published" for result in results)
        answer: dict[str, Any] = {"published": published, "refused": len(results) - published, "results": results}
        return JSONResponse(answer, _status(published, len(results)))

    return routes


def _status(published: int, of: int) -> int:
    if published == of:
        return 200
    return 207 if published else 422
