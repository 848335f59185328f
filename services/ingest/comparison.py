"""Accounts made anew from their facts, compared with what is kept of them, a range of ids at a time.

Runs in worker processes, each with a connection of its own: the work is arithmetic, and a range is one snapshot, so
that facts which arrive meanwhile make no difference.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ingest import replay_store, translate
from services.ingest.domain import facts
from services.ingest.domain.account import Account, remade
from services.ingest.domain.assessment import Assessment
from services.ingest.pack_documents import PackDocument
from services.ingest.packs import Packs
from services.ingest.replay_store import Kept
from shared.runtime.database import engine_of

FIGURES: Final = (
    "bucket", "delinquent", "delinquent_since", "arrears_minor", "exposure_minor", "oldest_due_on",
    "classifications", "state", "next_transition_on",
)  # fmt: skip
"""What of an assessment stays the same over a day on which nothing is published."""
EXAMPLES_MAX: Final = 20


class Comparing(NamedTuple):
    """What workers are told: where the accounts are, which of them, and by which packs and facts to make them."""

    database: str
    documents: list[dict[str, Any]]
    facts: str
    pack: str


class Difference(NamedTuple):
    """One figure of one account."""

    account_id: str
    figure: str
    kept: str
    made: str


class Compared(NamedTuple):
    """What a range came to."""

    accounts: int
    differing: int
    by_figure: Counter[str]
    examples: list[Difference]


class Worker:
    """Compares ranges of accounts, one after the other."""

    def __init__(self, comparing: Comparing) -> None:
        self._asked = comparing
        self._packs = Packs([PackDocument.model_validate_json(orjson.dumps(d)) for d in comparing.documents])
        self._engine: AsyncEngine = engine_of(comparing.database, 1)

    async def compare(self, after: str, upto: str) -> Compared:
        """Compare the accounts above one id up to another, and note those that differ."""
        async with self._engine.connect() as connection:
            kept = await replay_store.chunk(connection, self._asked.facts, self._asked.pack, after, upto)
        # No transaction waits for the arithmetic: the database ends one that idles, and on a busy machine it would.
        found = [difference for one in kept for difference in self.differences(one)]
        differing = list(dict.fromkeys(difference.account_id for difference in found))
        if differing:
            async with self._engine.begin() as connection:
                await replay_store.note(connection, differing)
        return Compared(len(kept), len(differing), Counter(d.figure for d in found), found[:EXAMPLES_MAX])

    def differences(self, kept: Kept) -> list[Difference]:
        """Every figure in which the account as kept is not what its facts come to."""
        live = translate.account(kept.account_id, kept.folded, self._packs.rules)
        known = [facts.unpack(kind, body) for kind, body in orjson.loads(f"[{kept.facts or ''}]")]
        made = remade(kept.account_id, known, self._packs.rules, live.as_of)
        was, now = _figures(live), _figures(made)
        if was == now:
            return []
        return [
            Difference(kept.account_id, name, _text(was.get(name)), _text(now.get(name)))
            for name in was | now
            if was.get(name) != now.get(name)
        ]

    async def close(self) -> None:
        """Give the connection back."""
        await self._engine.dispose()


_worker: Worker
_loop: asyncio.AbstractEventLoop


def begin(comparing: Comparing) -> None:
    """A worker process starts."""
    global _worker, _loop  # noqa: PLW0603  a process of a pool has nowhere else to keep its connection
    _loop = asyncio.new_event_loop()
    _worker = Worker(comparing)


def compare(bounds: tuple[str, str]) -> Compared:
    """One range, in a worker process."""
    return _loop.run_until_complete(_worker.compare(*bounds))


def ranges(bounds: Sequence[str]) -> list[tuple[str, str]]:
    """Neighbouring ranges that together hold every id."""
    return list(zip(["", *bounds], [*bounds, ""], strict=True))


def _figures(account: Account) -> dict[str, Any]:
    now: Assessment | None = account.assessment
    if now is None:
        return {"waiting": account.waiting}
    names = account.customer_id, account.product, account.currency, account.policy
    return {"opening": names} | {name: getattr(now, name) for name in FIGURES}


def _text(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return "-" if value is None else str(value)
