"""Everything the report shows, asked from the services' public APIs once the year is over."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from deploy.local.demo.line import Line
from deploy.local.demo.lines import Lines
from deploy.local.demo.story import Story

METRICS: Final = (
    "delinquency_rate",
    "roll_matrix",
    "cure_rate_monthly",
    "resolution_rate",
    "recovery",
    "contact_funnel",
    "contact_suppressions",
    "promises_kept",
)
PAGE: Final = 1000

Row = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """What was simulated."""

    customers: int
    accounts: int
    months: int
    seed: int
    first: date
    last: date
    published: dict[str, int]
    """Records by topic."""


@dataclass
class Figures:
    """The answers of the services: `metrics` are reporting's rows by metric, `shards` and `letters` by service."""

    scope: Scope
    metrics: dict[str, list[Row]]
    reporting: Row
    ledgers: Row
    attempts: list[Row]
    shards: dict[str, list[Row]]
    letters: dict[str, list[Row]]
    story: Story | None = None
    emitted: dict[str, int] = field(default_factory=dict)
    """Events each service sent to the others."""

    @property
    def currencies(self) -> list[str]:
        """The currencies of the book, the larger one first."""
        totals: dict[str, int] = {}
        for row in self.reporting["closed"]:
            totals[row["currency"]] = totals.get(row["currency"], 0) + row["accounts"]
        return sorted(totals, key=lambda currency: (-totals[currency], currency))


async def gather(lines: Lines, scope: Scope) -> Figures:
    """Ask everybody."""
    shards = {name: (await line.get("/shards"))["shards"] for name, line in lines.services.items()}
    return Figures(
        scope=scope,
        metrics={name: (await lines.reporting.get(f"/metrics/{name}"))["rows"] for name in METRICS},
        reporting=await lines.reporting.get("/portfolio"),
        ledgers=await lines.ingest.get("/portfolio"),
        attempts=(await lines.contact.get("/attempts/totals"))["totals"],
        shards=shards,
        letters={name: await _letters(line) for name, line in lines.services.items()},
        emitted={name: sum(shard["emitted"] for shard in of) for name, of in shards.items()},
    )


async def _letters(line: Line) -> list[Row]:
    """All dead letters of a service, page by page."""
    found: list[Row] = []
    after: int | None = 0
    while after is not None:
        page = await line.get(f"/dead-letters?limit={PAGE}&after={after}")
        found += page["dead_letters"]
        after = page["next_after"]
    return found
