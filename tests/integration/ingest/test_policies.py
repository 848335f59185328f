"""A lender's own policies: drafted, refused, activated by a second person; the accounts they govern re-assessed."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError

from services.ingest.handlers import Handlers
from services.ingest.packs import Packs, load
from services.ingest.policies import Policies
from shared.contracts import delinquency
from shared.vocabulary.errors import Misconfigured
from tests.integration.ingest.conftest import Ledgers
from tests.integration.ingest.test_ledgers import billed, closed, day, opened, repaid, said, stated

ANNA, BEN = {"actor": "anna"}, {"actor": "ben"}
BUCKETS = [{"name": "current", "from": 0, "to": 0}, {"name": "early", "from": 1, "to": 9}, {"name": "late", "from": 10}]
LENIENT = {
    "about": "A lender's own: ten days of grace.",
    "ageing": {"surplus": "carries_forward", "overdue": "day_after", "grace_days": 10, "buckets": BUCKETS},
}


async def draft(ledgers: Ledgers, name: str = "instalment", body: Any = LENIENT, by: Any = ANNA) -> Any:
    return await ledgers.http.put(f"/policies/{name}", json={**by, "pack": body})


async def activate(ledgers: Ledgers, version: int, name: str = "instalment", by: Any = BEN) -> Any:
    return await ledgers.http.post(f"/policies/{name}/versions/{version}/activate", json=by)


async def shipped(ledgers: Ledgers) -> None:
    """As a started service has it."""
    async with ledgers.engine.begin() as connection:
        await ledgers.policies.register(await ledgers.transaction(connection))


async def in_force(ledgers: Ledgers, version: int = 2, body: Any = LENIENT) -> int:
    """Drafts and activates; the job's number."""
    assert (await draft(ledgers, body=body)).json()["version"] == version
    job: int = (await activate(ledgers, version)).json()["job"]
    return job


async def work_on(ledgers: Ledgers) -> None:
    while await ledgers.work_a_chunk():
        pass


async def told_of(ledgers: Ledgers, account_id: str) -> list[Any]:
    return [e for e in await ledgers.told() if getattr(e, "account_id", None) == account_id]


async def test_a_draft_is_not_in_force_until_a_second_person_activates_it(ledgers: Ledgers) -> None:
    await shipped(ledgers)
    answer = await draft(ledgers)
    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    assert (await ledgers.http.get("/policies/instalment")).json()["version"] == 1
    refused = await activate(ledgers, 2, by=ANNA)
    assert (refused.status_code, refused.json()["title"]) == (403, "same_actor_forbidden")
    assert (await activate(ledgers, 2)).json()["activated"] is True
    assert (await ledgers.http.get("/policies/instalment")).json()["ageing"]["grace_days"] == 10
    versions = (await ledgers.http.get("/policies/instalment/versions")).json()["versions"]
    assert [(v["version"], v["drafted_by"], v["active"]) for v in versions] == [
        (1, "shipped", False),
        (2, "anna", True),
    ]
    assert [[a["activated_by"] for a in v["activations"]] for v in versions] == [["shipped"], ["ben"]]
    old = (await ledgers.http.get("/policies/instalment/versions/1")).json()
    assert "grace_days" not in old["ageing"] or old["ageing"]["grace_days"] == 0


async def test_the_same_draft_again_is_the_same_version(ledgers: Ledgers) -> None:
    first, again = await draft(ledgers, "mine"), await draft(ledgers, "mine")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await draft(ledgers, "mine", {**LENIENT, "about": "said otherwise"})
    assert other.json()["version"] == 2


async def test_activating_again_changes_nothing(ledgers: Ledgers) -> None:
    assert await in_force(ledgers) > 0
    again = (await activate(ledgers, 2)).json()
    assert (again["activated"], again["job"]) == (False, None)
    assert len((await ledgers.http.get("/jobs")).json()["jobs"]) == 1


def ageing(**changed: Any) -> dict[str, Any]:
    return {"ageing": {**LENIENT["ageing"], **changed}}  # type: ignore[dict-item]


GAP = [{"name": "current", "from": 0, "to": 0}, {"name": "late", "from": 2}]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (ageing(buckets=GAP), "buckets.1.from"),
        (ageing(grace_days=-1), "ageing.grace_days"),
        (ageing(grace="10"), "ageing.grace"),
        ({"classification": {"labels": BUCKETS}}, "ageing: version 1 in force has it"),
        ({}, "expected `ageing`, `classification` or both"),
        ({**LENIENT, "version": 7}, "version: is numbered here"),
        ({**LENIENT, "name": "other"}, "name: the address says"),
    ],
)
async def test_a_wrong_pack_is_refused_with_the_place(ledgers: Ledgers, body: Any, place: str) -> None:
    answer = await draft(ledgers, body=body)
    assert (answer.status_code, answer.json()["title"]) == (422, "malformed_policy")
    assert place in answer.json()["detail"]


async def test_a_rule_written_twice_is_refused_as_in_a_file(ledgers: Ledgers) -> None:
    twice = json.dumps({**ANNA, "pack": LENIENT}).replace('"grace_days": 10', '"grace_days": 3, "grace_days": 10')
    answer = await ledgers.http.put("/policies/mine", content=twice, headers={"content-type": "application/json"})
    said = "'grace_days' is written twice in one object"
    assert (answer.status_code, answer.json()["title"], answer.json()["detail"]) == (422, "malformed_policy", said)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/policies/mine", {"pack": LENIENT}, 422),
        ("PUT", "/policies/mine", {"pack": LENIENT, "actor": "a b"}, 422),
        ("PUT", "/policies/mine", {**LENIENT, **ANNA}, 422),
        ("POST", "/policies/instalment/versions/1/activate", {}, 422),
        ("POST", "/policies/nothing/versions/1/activate", BEN, 404),
        ("GET", "/policies/nothing/versions", None, 404),
        ("GET", "/policies/instalment/versions/9", None, 404),
        ("GET", "/jobs/77777", None, 404),
    ],
)
async def test_calls_that_make_no_sense_say_so(
    ledgers: Ledgers, method: str, path: str, body: Any, status: int
) -> None:
    answer = await ledgers.http.request(method, path, json=body)
    assert answer.status_code == status


async def test_an_account_opens_under_a_lenders_own_pack_once_it_is_active(ledgers: Ledgers) -> None:
    await draft(ledgers, "mine")
    await ledgers.take(said(0, opened("a", policy="mine")))
    assert ledgers.rejected == ["unknown_policy"]
    await activate(ledgers, 1, "mine")
    await ledgers.take([*said(0, opened("b", policy="mine"), billed("b", "b1", 3)), closed(20)])
    assert [row["bucket"] for row in await ledgers.rows()] == ["early"]


async def test_activation_reassesses_each_governed_account_once(ledgers: Ledgers) -> None:
    lives = [f for n in range(5) for f in (opened(f"a{n}"), billed(f"a{n}", "b", 3))]
    other = [opened("z", policy="card-minimum-payment"), billed("z", "b", 3)]
    await ledgers.take([*said(0, *lives, *other), closed(8)])
    before = {row["account_id"]: row for row in await ledgers.rows()}
    job = await in_force(ledgers)
    waiting = (await ledgers.http.get(f"/jobs/{job}")).json()
    assert (waiting["state"], waiting["total"], waiting["done"]) == ("waiting", 5, 0)
    await ledgers.work_a_chunk()
    running = (await ledgers.http.get(f"/jobs/{job}")).json()
    assert (running["state"], running["done"], running["changed"], running["errors"]) == ("running", 2, 2, 0)
    await work_on(ledgers)
    done = (await ledgers.http.get(f"/jobs/{job}")).json()
    assert (done["state"], done["total"], done["done"], done["changed"]) == ("done", 5, 5, 5)
    for row in await ledgers.rows():
        was = before[row["account_id"]]
        if row["account_id"] == "z":
            assert row == was
            continue
        assert (was["bucket"], row["bucket"], row["version"]) == ("1-29", "current", was["version"] + 1)
        assert row["packs"] == "instalment@2 ifrs9@1"
        last = (await told_of(ledgers, row["account_id"]))[-1]
        assert isinstance(last, delinquency.DelinquencyCured)
        assert (last.reason, last.cause, last.policy_version) == ("policy", "policy:instalment@2", 2)
        assert (last.through, last.as_of, last.arrears) == ("policy", day(8), was_owed())


def was_owed() -> Any:
    return billed("x", "b", 3).amount


async def test_a_fact_that_comes_before_the_job_finds_the_account_reassessed(ledgers: Ledgers) -> None:
    await ledgers.take([*said(0, opened("a"), billed("a", "a1", 3)), closed(15)])
    job = await in_force(ledgers)
    await ledgers.take(said(16, repaid("a", "r1", 16, "40.00")))
    told = [(e.reason, e.bucket, e.policy_version) for e in (await told_of(ledgers, "a"))[-2:]]
    assert told == [("policy", "early", 2), ("repayment", "early", 2)]
    await work_on(ledgers)
    assert (await ledgers.http.get(f"/jobs/{job}")).json()["changed"] == 0


async def test_a_day_that_closes_before_the_job_finds_the_account_reassessed(ledgers: Ledgers) -> None:
    await ledgers.take([*said(0, opened("a"), billed("a", "a1", 3)), closed(32)])
    await in_force(ledgers)
    await ledgers.take([closed(33)])
    told = [(e.reason, e.bucket, e.as_of) for e in (await told_of(ledgers, "a"))[-2:]]
    assert told == [("bill", "1-29", day(31)), ("policy", "late", day(32))]
    assert (await ledgers.rows())[0]["packs"] == "instalment@2 ifrs9@1"


async def test_a_job_goes_on_where_it_stopped_with_whoever_owns_the_shard(ledgers: Ledgers) -> None:
    lives = [f for n in range(7) for f in (opened(f"a{n}"), billed(f"a{n}", "b", 3))]
    await ledgers.take([*said(0, *lives), closed(8)])
    job = await in_force(ledgers)
    await ledgers.work_a_chunk()
    # The process dies in the middle of a chunk: nothing of it is kept.
    async with ledgers.engine.connect() as connection, connection.begin() as transaction:
        await ledgers.handlers.work(await ledgers.transaction(connection))
        await transaction.rollback()
    ledgers.handlers = Handlers(Policies(load()), simulated_clock=False, accounts_max=3)
    await work_on(ledgers)
    done = (await ledgers.http.get(f"/jobs/{job}")).json()
    assert (done["state"], done["total"], done["done"], done["changed"]) == ("done", 7, 7, 7)
    policy = [e.account_id for e in await ledgers.told() if getattr(e, "reason", "") == "policy"]
    assert policy == sorted(f"a{n}" for n in range(7))


async def test_replicas_that_had_the_old_version_use_the_new_one_in_their_next_transaction(ledgers: Ledgers) -> None:
    await ledgers.take(said(0, opened("a")))
    other = Handlers(Policies(load()), simulated_clock=False, accounts_max=2)
    ledgers.handlers, mine = other, ledgers.handlers
    await ledgers.take(said(1, billed("a", "a1", 3)))
    await in_force(ledgers)
    for handlers, bill in ((other, "a2"), (mine, "a3"), (other, "a4")):
        ledgers.handlers = handlers
        await ledgers.take(said(2, billed("a", bill, 4)))
        assert (await ledgers.rows())[0]["packs"] == "instalment@2 ifrs9@1"


async def test_a_version_can_be_put_back_in_force(ledgers: Ledgers) -> None:
    await shipped(ledgers)
    await ledgers.take([*said(0, opened("a"), billed("a", "a1", 3)), closed(8)])
    before = [row["bucket"] for row in await ledgers.rows()]
    await in_force(ledgers)
    await work_on(ledgers)
    assert (await activate(ledgers, 1)).json()["activated"] is True
    await work_on(ledgers)
    assert [row["bucket"] for row in await ledgers.rows()] == before
    assert [name for name, *_ in await stated(ledgers)][-2:] == ["DelinquencyCured", "DelinquencyEntered"]


async def test_shipped_rules_do_not_change_under_their_version(ledgers: Ledgers) -> None:
    await shipped(ledgers)
    await shipped(ledgers)
    documents = [d for d in load().documents if d.name == "instalment"]
    assert documents[0].ageing is not None
    other = documents[0].model_copy(update={"ageing": documents[0].ageing.model_copy(update={"grace_days": 4})})
    async with ledgers.engine.begin() as connection:
        with pytest.raises(Misconfigured, match="instalment: version 1 was shipped with other rules"):
            await Policies(Packs([other])).register(await ledgers.transaction(connection))


async def test_a_newer_file_waits_for_somebody_to_activate_it(ledgers: Ledgers) -> None:
    await shipped(ledgers)
    newer = [d.model_copy(update={"version": d.version + 1}) for d in load().documents]
    policies = Policies(Packs(newer))
    async with ledgers.engine.begin() as connection:
        await policies.register(await ledgers.transaction(connection))
        assert {d.version for d in (await policies.in_force(connection)).documents} == {1}
    assert (await activate(ledgers, 2)).json()["activated"] is True


def released(name: str = "instalment", version: int = 2, **ageing: Any) -> Packs:
    """What a later release ships: the packs of this one, and a version of its own of one of them, or of a new name."""
    present = {d.name: d for d in load().documents}
    base = present["instalment"]
    assert base.ageing is not None
    update = {"name": name, "version": version, "ageing": base.ageing.model_copy(update=ageing)}
    return Packs(list({**present, name: base.model_copy(update=update)}.values()))


async def upgraded(ledgers: Ledgers, packs: Packs) -> list[dict[str, Any]]:
    """The service of that release starts, twice; what it told the operator."""
    # In the place of the old one, which the routes and the handlers hold.
    vars(ledgers.policies).update(vars(Policies(packs)))
    with structlog.testing.capture_logs() as told:
        await shipped(ledgers)
        await shipped(ledgers)
    return [dict(line) for line in told]


async def on_record(ledgers: Ledgers, name: str = "instalment") -> list[tuple[int, str, bool]]:
    versions = (await ledgers.http.get(f"/policies/{name}/versions")).json()["versions"]
    return [(v["version"], v["drafted_by"], bool(v["active"])) for v in versions]


async def packs_in_force(ledgers: Ledgers) -> dict[str, tuple[int, int]]:
    """By name the version and the days of grace."""
    async with ledgers.engine.connect() as connection:
        documents = (await ledgers.policies.in_force(connection)).documents
    return {d.name: (d.version, d.ageing.grace_days) for d in documents if d.ageing is not None}


@pytest.mark.parametrize("activated", [False, True])
async def test_a_shipped_version_never_takes_the_place_of_a_lenders_own(ledgers: Ledgers, activated: bool) -> None:
    await shipped(ledgers)
    await draft(ledgers)
    if activated:
        await activate(ledgers, 2)
    (told,) = await upgraded(ledgers, released(grace_days=4))
    present = 2 if activated else 1
    assert await on_record(ledgers) == [
        (1, "shipped", not activated),
        (2, "anna", activated),
        (3, "shipped as version 2", False),
    ]
    assert (await packs_in_force(ledgers))["instalment"] == (present, 10 if activated else 0)
    written = [(await ledgers.http.get(f"/policies/instalment/versions/{n}")).json()["ageing"] for n in (2, 3)]
    assert [w["grace_days"] for w in written] == [10, 4]
    assert told == {
        "event": "shipped_policy_waits", "log_level": "warning", "policy": "instalment",
        "shipped_version": 2, "version": 3, "version_in_force": present,
        "advice": "GET /policies/instalment/versions/3 shows it; "
        "POST /policies/instalment/versions/3/activate puts it in force; nothing changes until then",
    }  # fmt: skip
    assert (await activate(ledgers, 3)).json()["activated"] is True
    assert (await packs_in_force(ledgers))["instalment"] == (3, 4)


async def test_the_next_release_after_a_number_was_taken_is_one_more_version(ledgers: Ledgers) -> None:
    await shipped(ledgers)
    await draft(ledgers)
    await upgraded(ledgers, released(grace_days=4))
    (told,) = await upgraded(ledgers, released(version=3, grace_days=5))
    assert (told["shipped_version"], told["version"]) == (3, 4)
    assert [author for _, author, _ in await on_record(ledgers)] == [
        "shipped", "anna", "shipped as version 2", "shipped as version 3"
    ]  # fmt: skip
    assert await upgraded(ledgers, released(grace_days=4)) == []
    with pytest.raises(Misconfigured, match="instalment: version 2 was shipped with other rules"):
        await upgraded(ledgers, released(grace_days=6))


@pytest.mark.parametrize(("number", "kept_as"), [(1, 2), (7, 7)])
async def test_a_name_a_lender_drafts_under_is_not_put_in_force_by_a_release(
    ledgers: Ledgers, number: int, kept_as: int
) -> None:
    await shipped(ledgers)
    await draft(ledgers, "mine")
    (told,) = await upgraded(ledgers, released("mine", number, grace_days=4))
    assert (told["version"], told["version_in_force"]) == (kept_as, None)
    await ledgers.take(said(0, opened("a", policy="mine")))
    assert ledgers.rejected == ["unknown_policy"]
    assert (await activate(ledgers, 1, "mine")).json()["activated"] is True
    assert (await packs_in_force(ledgers))["mine"] == (1, 10)
    assert (await activate(ledgers, kept_as, "mine")).json()["activated"] is True
    assert (await packs_in_force(ledgers))["mine"] == (kept_as, 4)


async def test_a_new_pack_of_a_release_is_in_force_where_nobody_used_its_name(ledgers: Ledgers) -> None:
    await shipped(ledgers)
    assert await upgraded(ledgers, released("mine", 1, grace_days=4)) == []
    assert (await packs_in_force(ledgers))["mine"] == (1, 4)
    assert await on_record(ledgers, "mine") == [(1, "shipped", True)]


@pytest.mark.parametrize("table", ["fact", "status", "policy_version", "policy_activation", "packs_until"])
@pytest.mark.parametrize("change", ["DELETE FROM {0}", "UPDATE {0} SET {1} = {1}"])
async def test_the_database_refuses_to_change_what_is_on_record(ledgers: Ledgers, table: str, change: str) -> None:
    column = "name" if table.startswith("policy") else "account_id"
    async with ledgers.engine.connect() as connection:
        with pytest.raises(DBAPIError, match="never changed"):
            await connection.execute(sa.text(change.format(table, column)))


async def test_nobody_acts_in_the_name_of_the_system(ledgers: Ledgers) -> None:
    """A draft by it would be a shipped version with other rules to the next release, which could not start."""
    await shipped(ledgers)
    assert (await draft(ledgers, by={"actor": "shipped"})).status_code == 403
    await draft(ledgers)
    assert (await activate(ledgers, 2, by={"actor": "shipped"})).status_code == 403
