"""The packs of a release put on record beside the lender's own versions, at each start; none takes another's place.

Apart from the policies in force: here it is decided which number a shipped version gets and whether it is in force
without anybody activating it. Versions never change, so a number that a lender's own version has is gone: the shipped
one gets the next, and its author says which it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog

from services.ingest import policy_store
from services.ingest.pack_documents import PackDocument
from services.ingest.packs import as_written, read_back
from services.ingest.policy_store import SHIPPED
from shared.messaging import Transaction
from shared.vocabulary.errors import Misconfigured

_NO_RULES: Final = {"about", "cite", "version"}

log = structlog.get_logger()


async def register(tx: Transaction, shipped: Iterable[PackDocument]) -> None:
    """Keep the shipped versions; put those in force whose names nobody has used before.

    Misconfigured when a file has other rules than were shipped under its version before. The operator is told, once, of
    each version that waits for somebody to activate it.
    """
    in_force = {row["name"]: row["version"] for row in await policy_store.active(tx.connection, 2**62)}
    for document in shipped:
        kept = await policy_store.shipped_as(tx.connection, document.name, document.version)
        if kept is None:
            await _put_on_record(tx, document, in_force.get(document.name))
        elif _rules(kept["document"]) != _rules(as_written(document)):
            raise Misconfigured(
                f"policy {document.name}: version {document.version} was shipped with other rules; "
                "give the changed ones a new version"
            )


async def _put_on_record(tx: Transaction, document: PackDocument, in_force: int | None) -> None:
    name, number, author = document.name, document.version, SHIPPED
    latest = await policy_store.latest(tx.connection, name)
    if await policy_store.version(tx.connection, name, number) is not None:
        assert latest is not None
        number, author = latest["version"] + 1, f"{SHIPPED} as version {document.version}"
    numbered = as_written(document.model_copy(update={"version": number}))
    await policy_store.insert_version(tx.connection, numbered, author, tx.now)
    if latest is None:
        await policy_store.insert_activation(tx.connection, name, number, SHIPPED, tx.now)
    else:
        _tell_it_waits(document, number, in_force)


def _tell_it_waits(document: PackDocument, number: int, in_force: int | None) -> None:
    """A number that was taken is no error and needs no hurry, but whoever reads the release's notes has to know."""
    address = f"/policies/{document.name}/versions/{number}"
    log.warning(
        "shipped_policy_waits",
        policy=document.name,
        shipped_version=document.version,
        version=number,
        version_in_force=in_force,
        advice=f"GET {address} shows it; POST {address}/activate puts it in force; nothing changes until then",
    )


def _rules(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without what was only said about them, and without what is as it is by default."""
    rules = read_back(document).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {key: value for key, value in rules.items() if key not in _NO_RULES}
