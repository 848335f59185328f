"""Dead letters and stopped shards over HTTP: the same routes in every service."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.http_binding import written
from shared.messaging.dead_letters import Wanted
from shared.messaging.desk import SAYING_CHARACTERS_MAX, Act, Desk
from shared.messaging.stream import ShardId
from shared.runtime.asked import Instant

Saying = Annotated[str, Field(min_length=1, max_length=SAYING_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]
LetterId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Word = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")]
State = Literal["waiting", "queued", "redriven", "discarded"]
PAGE_MAX: Final = 1000


class ActForm(BaseModel):
    """Who asks, and why."""

    model_config = ConfigDict(extra="forbid")

    actor: Saying
    reason: Saying

    def act(self) -> Act:
        """As the desk takes it."""
        return Act(self.actor, self.reason)


class RedriveForm(ActForm):
    """With a payload, that event is applied in the place of the one that was refused."""

    payload: Annotated[dict[str, Any] | None, Field(description="a whole CloudEvent in structured mode")] = None

    def corrected(self) -> bytes | None:
        """The payload as a record's value."""
        return None if self.payload is None else written(self.payload)


def letters_router(desk: Desk) -> APIRouter:
    """Routes over one service's dead letters."""
    router = APIRouter(tags=["dead letters"])

    @router.get("/dead-letters")
    async def dead_letters(
        after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
        reason: Word = None,
        topic: Word = None,
        state: Annotated[State | None, Query()] = None,
        since: Annotated[Instant | None, Query()] = None,
        until: Annotated[Instant | None, Query()] = None,
    ) -> dict[str, Any]:
        """What was refused and why, oldest first, without payloads; page with `after`."""
        wanted = Wanted(reason, topic, state, since, until)
        found = await desk.letters(wanted, after=after, rows_max=limit)
        return {"dead_letters": found, "next_after": found[-1]["id"] if len(found) == limit else None}

    @router.get("/dead-letters/{letter_id}")
    async def dead_letter(letter_id: LetterId) -> dict[str, Any]:
        """One of them with its payload masked, and its history."""
        return await desk.letter(letter_id)

    @router.post("/dead-letters/{letter_id}/reveal")
    async def reveal(letter_id: LetterId, form: ActForm) -> dict[str, Any]:
        """The record as it came. Who looked, and why, is kept."""
        return await desk.reveal(letter_id, form.act())

    @router.post("/dead-letters/{letter_id}/redrive", status_code=202)
    async def redrive(letter_id: LetterId, form: RedriveForm) -> dict[str, Any]:
        """Have it applied once more by the owner of its shard; the letter's state tells how that ended."""
        return await desk.redrive(letter_id, form.act(), form.corrected())

    @router.post("/dead-letters/{letter_id}/discard")
    async def discard(letter_id: LetterId, form: ActForm) -> dict[str, Any]:
        """Leave it unapplied for good."""
        return await desk.discard(letter_id, form.act())

    @router.post("/shards/{stream}/{partition}/resume")
    async def resume(
        stream: Annotated[str, Path(max_length=100)], partition: Annotated[int, Path(ge=0, le=2**31 - 1)], form: ActForm
    ) -> dict[str, Any]:
        """Let a shard go on that stopped because too much was refused."""
        return await desk.resume(ShardId(stream, partition), form.act())

    return router
