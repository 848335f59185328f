"""What the ledgers must add up to, worked out again from the published facts alone.

It reads the records as they went to Kafka and asks the domain's reference assessment, not the incremental ledger
that the service runs on, account by account.
"""

from collections.abc import Container, Iterable, Mapping
from datetime import date
from typing import Final

import orjson

from deploy.local.demo.wire_facts import fact_of
from deploy.local.portfolio.writer import Record
from services.ingest.domain.facts import Fact
from services.ingest.domain.figures import figures_on
from services.ingest.domain.known import Known
from services.ingest.domain.policy import Band, Policy, Scale

Cell = tuple[str, str, str]
"""Currency, state, bucket."""
Sums = tuple[int, int, int]
"""Accounts; arrears and exposure in minor units."""

_BUCKETS: Final = Scale(
    (
        Band("current", 0), Band("1-29", 1), Band("30-59", 30), Band("60-89", 60), Band("90-119", 90),
        Band("120-149", 120), Band("150-179", 150), Band("180+", 180),
    )
)  # fmt: skip
POLICIES: Final[Mapping[str, Policy]] = {
    "instalment": Policy("instalment", 1, "carries_forward", "day_after", _BUCKETS),
    "card-minimum-payment": Policy("card-minimum-payment", 1, "settles_balance", "day_after", _BUCKETS),
}
"""The two packs of the lender's book as DOMAIN.md has them, not as ingest read them."""
LEDGER_TOPICS: Final = ("banking.accounts", "banking.billing", "banking.repayments")


def recomputed(records: Iterable[Record], malformed: Container[bytes], as_of: date) -> dict[Cell, Sums]:
    """All opened accounts as of that day. Of a fact published more than once the first stands (`Known`)."""
    facts: dict[str, list[Fact]] = {}
    for record in records:
        if record.topic in LEDGER_TOPICS and record.value not in malformed:
            account_id, fact = fact_of(orjson.loads(record.value))
            facts.setdefault(account_id, []).append(fact)
    totals: dict[Cell, Sums] = {}
    for known in map(Known, facts.values()):
        if known.opened is not None:
            _add(totals, known, POLICIES[known.opened.policy], known.opened.currency, as_of)
    return totals


def _add(totals: dict[Cell, Sums], known: Known, policy: Policy, currency: str, as_of: date) -> None:
    now = figures_on(known, policy, as_of)
    cell = currency, now.state, policy.buckets.name_of(now.age)
    accounts, arrears, exposure = totals.get(cell, (0, 0, 0))
    totals[cell] = accounts + 1, arrears + now.arrears_minor, exposure + now.exposure_minor
