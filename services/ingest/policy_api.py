"""Policies and re-assessments over HTTP: drafts, activation by a second person, versions, jobs.

Who calls is what the request says in `actor`; whatever authenticates in front of this service vouches for it.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from services.ingest import job_store, policy_store
from services.ingest.named_once import each_name_once
from services.ingest.packs import as_written
from services.ingest.policies import Policies
from shared.contracts.fields import ID_LENGTH_MAX
from shared.runtime.service import Context
from shared.vocabulary.errors import Rejected

Actor = Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[!-~]+$", description="who calls")]
PolicyName = Annotated[str, Path(max_length=64)]
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
ACTIVATION = "activation"


class Draft(BaseModel):
    """A pack as somebody writes it; its name is in the address, its version is given here."""

    actor: Actor
    pack: dict[str, Any]


class Activation(BaseModel):
    """Who puts a version in force."""

    actor: Actor


def router(context: Context, policies: Policies) -> APIRouter:
    """Routes over policy versions and jobs."""
    routes = APIRouter()
    _reading(routes, context, policies)
    _changing(routes, context, policies)
    _jobs(routes, context)
    return routes


def _reading(routes: APIRouter, context: Context, policies: Policies) -> None:
    @routes.get("/policies", tags=["policies"])
    async def in_force() -> dict[str, Any]:
        """The policy packs in force."""
        async with context.engine.connect() as connection:
            return {"policies": (await policies.in_force(connection)).described()}

    @routes.get("/policies/{name}", tags=["policies"])
    async def policy(name: PolicyName) -> dict[str, Any]:
        """The version of a pack in force."""
        async with context.engine.connect() as connection:
            packs = await policies.in_force(connection)
        for pack in packs.described():
            if pack["name"] == name:
                return dict(pack)
        raise Rejected("policy_not_found", f"no pack of that name is in force; GET /policies lists {len(packs)}")

    @routes.get("/policies/{name}/versions", tags=["policies"])
    async def versions(name: PolicyName) -> dict[str, Any]:
        """Every version of a pack: who drafted it, who put it in force and when."""
        async with context.engine.connect() as connection:
            rows = await policy_store.versions(connection, name)
        if not rows:
            raise Rejected("policy_not_found", "there is no version of a pack of that name")
        return {"name": name, "versions": [{k: v for k, v in r.items() if k not in ("name", "document")} for r in rows]}

    @routes.get("/policies/{name}/versions/{version}", tags=["policies"])
    async def version(name: PolicyName, version: Version) -> dict[str, Any]:
        """One version as written."""
        async with context.engine.connect() as connection:
            return as_written(await policies.version(connection, name, version))


def _changing(routes: APIRouter, context: Context, policies: Policies) -> None:
    @routes.put("/policies/{name}", status_code=201, tags=["policies"])
    async def draft(name: PolicyName, asked: Draft, request: Request, response: Response) -> dict[str, Any]:
        """Keep a pack as the next version of that name, not in force yet; the same as the latest again is that one."""
        each_name_once(await request.body(), "malformed_policy")
        async with context.commands.transaction() as tx:
            document, new = await policies.draft(tx, name, asked.pack, asked.actor)
        response.status_code = 201 if new else 200
        return as_written(document)

    @routes.post("/policies/{name}/versions/{version}/activate", tags=["policies"])
    async def activate(name: PolicyName, version: Version, asked: Activation) -> dict[str, Any]:
        """Put a version in force, by another person than drafted it; `job` is the re-assessment it starts.

        Accounts are under it from now on: whichever fact or day touches one first has it re-assessed before.
        """
        job_id = None
        async with context.commands.transaction() as tx:
            if await policies.activate(tx, name, version, asked.actor):
                job_id = await job_store.insert(tx.connection, ACTIVATION, name, version, asked.actor, tx.now)
                await job_store.spread(tx.connection, job_id, name, context.counts["stream:accounts"])
        context.wake_work()
        return {"name": name, "version": version, "activated": job_id is not None, "job": job_id}


def _jobs(routes: APIRouter, context: Context) -> None:
    @routes.get("/jobs", tags=["jobs"])
    async def listed(before: Annotated[int, Query(ge=1)] = 2**62) -> dict[str, Any]:
        """Re-assessments, newest first; page with `before`."""
        async with context.engine.connect() as connection:
            rows = await job_store.jobs(connection, before=before)
        return {"jobs": [_job(row, context.clock.now()) for row in rows]}

    @routes.get("/jobs/{job_id}", tags=["jobs"])
    async def one(job_id: Annotated[int, Path(ge=1, le=2**62)]) -> dict[str, Any]:
        """How far a re-assessment is."""
        async with context.engine.connect() as connection:
            rows = await job_store.jobs(connection, job_id)
        if not rows:
            raise Rejected("job_not_found", "there is no job of that number")
        return _job(rows[0], context.clock.now())


def _job(row: Any, now: datetime) -> dict[str, Any]:
    finished = row["shards"] == row["shards_finished"]
    seconds = ((row["moved_at"] if finished else now) - row["started_at"]).total_seconds() if row["started_at"] else 0
    return {
        "job": row["job_id"],
        "kind": row["kind"],
        "policy": row["policy"],
        "policy_version": row["policy_version"],
        "asked_by": row["asked_by"],
        "asked_at": row["asked_at"],
        "state": "done" if finished else "running" if row["started_at"] else "waiting",
        "total": row["total"],
        "done": row["done"],
        "changed": row["changed"],
        "errors": row["errors"],
        "accounts_per_s": round(row["done"] / seconds, 1) if seconds > 0 else None,
        "shards": row["shards"],
        "shards_finished": row["shards_finished"],
        "started_at": row["started_at"],
        "moved_at": row["moved_at"],
    }
