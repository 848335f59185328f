"""The policies in force: packs from files, and the versions that the lender's own people drafted and activated.

An activation's number stands for all packs in force after it: whoever reads the number in a transaction may keep what
it stands for, since versions and activations never change. A pack nobody activated is in force as its file has it; a
newer file is one more version, which somebody has to activate.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import policy_store, shipping
from services.ingest.domain.policy import Rules
from services.ingest.pack_documents import PackDocument, read_pack
from services.ingest.packs import Packs, as_written, read_back
from services.ingest.policy_store import SHIPPED
from shared.messaging import Transaction
from shared.vocabulary.errors import Rejected

_PARTS: Final = ("ageing", "classification")


class Policies:
    """Packs by activation and by version, over the shipped ones."""

    def __init__(self, shipped: Packs) -> None:
        self._shipped = {document.name: document for document in shipped.documents}
        self._in_force = (-1, shipped)
        self._rules: dict[str, Rules] = {}

    async def in_force(self, connection: AsyncConnection, activation: int | None = None) -> Packs:
        """The packs after an activation; by default after the last one that the transaction sees."""
        if activation is None:
            activation = await policy_store.last_activation(connection)
        if self._in_force[0] != activation:
            rows = await policy_store.active(connection, activation)
            active = {row["name"]: read_back(row["document"]) for row in rows}
            waiting = await policy_store.waiting(connection, activation)
            shipped = {name: document for name, document in self._shipped.items() if name not in waiting}
            self._in_force = activation, Packs(list({**shipped, **active}.values()))
        return self._in_force[1]

    async def rules(self, connection: AsyncConnection, packs: str) -> Rules:
        """What governs an account under the versions it is stamped with ("instalment@1 ifrs9@2")."""
        if packs not in self._rules:
            pairs = [pack.rsplit("@", 1) for pack in packs.split()]
            documents = [await self.version(connection, name, int(number)) for name, number in pairs]
            (policy, _), *classifications = pairs
            self._rules[packs] = Packs(documents).rules(policy, [name for name, _ in classifications])
        return self._rules[packs]

    async def version(self, connection: AsyncConnection, name: str, number: int) -> PackDocument:
        """One version as written; Rejected when there is none."""
        row = await policy_store.version(connection, name, number)
        if row is not None:
            return read_back(row["document"])
        shipped = self._shipped.get(name)
        if shipped is None or shipped.version != number:
            raise Rejected("policy_not_found", "there is no such version; GET /policies/{name}/versions lists them")
        return shipped

    async def register(self, tx: Transaction) -> None:
        """Keep the shipped versions beside the lender's own (`shipping`)."""
        await shipping.register(tx, self._shipped.values())

    async def draft(self, tx: Transaction, name: str, body: Mapping[str, Any], actor: str) -> tuple[PackDocument, bool]:
        """A new version of a pack, and whether it is new: the same as the latest one again is that one."""
        _is_a_person(actor)
        latest = await policy_store.latest(tx.connection, name)
        shipped = self._shipped.get(name)
        highest = max(latest["version"] if latest else 0, shipped.version if shipped else 0)
        document = drafted(name, highest + 1, body)
        if latest is not None and _content(latest["document"]) == _content(as_written(document)):
            return read_back(latest["document"]), False
        self._keeps_parts(document, (await self.in_force(tx.connection)).documents)
        await policy_store.insert_version(tx.connection, as_written(document), actor, tx.now)
        return document, True

    def _keeps_parts(self, document: PackDocument, in_force: Any) -> None:
        """Accounts lean on what a pack says: a later version may say it otherwise, not leave it out."""
        for present in in_force:
            for part in _PARTS:
                if present.name == document.name and getattr(present, part) and not getattr(document, part):
                    raise Rejected(
                        "malformed_policy",
                        f"{part}: version {present.version} in force has it; a later one needs it too",
                    )

    async def activate(self, tx: Transaction, name: str, number: int, actor: str) -> bool:
        """Put a version in force; False when it is already. Whoever drafted it may not."""
        _is_a_person(actor)
        row = await policy_store.version(tx.connection, name, number)
        if row is None:
            raise Rejected("policy_not_found", "there is no such version; GET /policies/{name}/versions lists them")
        if row["drafted_by"] == actor:
            raise Rejected(
                "same_actor_forbidden", "whoever drafted a version may not activate it; a second person does"
            )
        packs = await self.in_force(tx.connection)
        present = next((d.version for d in packs.documents if d.name == name), None)
        if present == number:
            return False
        self._keeps_parts(read_back(row["document"]), packs.documents)
        await policy_store.insert_activation(tx.connection, name, number, actor, tx.now)
        return True


def _is_a_person(actor: str) -> None:
    """A draft in the system's name would be taken for a shipped version, and stop the next start."""
    if actor.split(" ", 1)[0] == SHIPPED:
        raise Rejected("reserved_actor_forbidden", f"{SHIPPED!r} stands for what comes with the system; say who calls")


def drafted(name: str, version: int, body: Mapping[str, Any]) -> PackDocument:
    """A pack as somebody wrote it, under the name and version it gets; Rejected names each place that is wrong."""
    if body.get("name", name) != name:
        raise Rejected("malformed_policy", f"name: the address says {name[:64]!r}; leave it out or say the same")
    if "version" in body:
        raise Rejected("malformed_policy", "version: is numbered here; leave it out")
    return read_pack({**body, "name": name, "version": version})


def _content(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "version"}
