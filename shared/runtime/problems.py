"""Errors as RFC 9457 problem details: the one place where the domain's refusals become HTTP statuses."""

import json
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.messaging import retry
from shared.runtime.settings import HTTP_BODY_BYTES_MAX
from shared.vocabulary.errors import Rejected, Unavailable

RETRY_AFTER_S: Final = 2
_STATUS: Final = {
    "not_found": 404,
    "conflict": 409,
    "forbidden": 403,
    "gone": 410,
    "request_too_large": 413,
    "unsupported": 415,
}

log = structlog.get_logger()


class BodyTooLarge(HTTPException):
    """A request's body is longer than this service reads."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(413, f"a request has at most {bytes_max} bytes")


class BodyLimit:
    """Reads no request's body further than it may be long: every route holds it in memory."""

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, with a body that ends in BodyTooLarge where it is."""
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._bytes_max:
                # As an error of HTTP: FastAPI makes "there was an error" of any other.
                raise BodyTooLarge(self._bytes_max)
            return message

        await self._app(scope, limited, send)


class _Problem(JSONResponse):
    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        """A name that is quoted may hold half a character, which no UTF-8 can be made of."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """One problem details response."""
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return _Problem(body, status, headers=headers)


def status_of(reason: str) -> int:
    """404 for `..._not_found`, 409 for `..._conflict` and so on; 422 for any other refusal."""
    return next((status for word, status in _STATUS.items() if reason.endswith(word)), 422)


def install(app: FastAPI, body_bytes_max: int = HTTP_BODY_BYTES_MAX) -> None:
    """Answer every failure of the app's routes with problem details, and never with internals."""
    app.add_middleware(BodyLimit, bytes_max=body_bytes_max)

    @app.exception_handler(Rejected)
    async def rejected(request: Request, error: Rejected) -> JSONResponse:
        return problem(status_of(error.reason), error.reason, error.detail)

    @app.exception_handler(Unavailable)
    async def unavailable(request: Request, error: Unavailable) -> JSONResponse:
        return problem(503, "unavailable", "something this service needs does not answer; try again")

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()]
        return problem(422, "invalid_request", "; ".join(f"{f['where']}: {f['what']}" for f in found), errors=found)

    @app.exception_handler(BodyTooLarge)
    async def too_large(request: Request, error: BodyTooLarge) -> JSONResponse:
        return problem(error.status_code, "request_too_large", error.detail)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:
            # What FastAPI says of a body whose bytes it cannot read at all.
            return problem(422, "invalid_request", "body: not JSON in UTF-8, or nested too deeply")
        return problem(error.status_code, str(error.detail), f"{request.method} {request.url.path}")

    @app.exception_handler(SQLAlchemyError)
    async def database(request: Request, error: SQLAlchemyError) -> JSONResponse:
        if retry.is_bad_data(error):
            return problem(422, "unstorable_value", "a value of the request cannot be stored")
        return _failure(request, error)

    # A connection that cannot be made is the driver's own error, which SQLAlchemy passes on as it is.
    @app.exception_handler(OSError)
    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        return _failure(request, error)


def _failure(request: Request, error: Exception) -> JSONResponse:
    """What passes is worth another try; anything else is a fault of ours."""
    if retry.is_passing(error):
        return problem(503, "unavailable", "the database does not answer; try again")
    log.error("request_failed", path=request.url.path, error=type(error).__name__)
    return problem(500, "internal_error", "this is a fault of the service; it has been logged")
