"""What one more event costs an account, by how many obligations it has open and how many facts it has behind it.

    python -m tests.bench.account_age [--json FILE]

No database: the account is read from its stored text, folds one repayment, and is written again, as a batch does for
each account. The rows "from history" are a reversal, which takes all the account's facts: the one kind of event whose
cost grows with age, and the reason why it is the exception.
"""

import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from services.ingest import translate
from services.ingest.domain import facts as f
from services.ingest.domain.account import Account, apply
from services.ingest.packs import load
from tests.bench.printed import printed

PACKS: Final = load()
START: Final = date(1990, 1, 1)
OPENED: Final = f.Opened("c", "loan", "EUR", "instalment", ("ifrs9",), START, None, 100_000_000)
OPEN_OBLIGATIONS: Final = (1, 12, 120, 1_000)
FACTS: Final = (1, 10, 100, 1_000, 10_000)
REPETITIONS: Final = 300


def account_with(open_obligations: int, facts: int) -> tuple[str, list[f.Fact]]:
    """A stored account with so many settled facts behind it and so many bills unpaid; and its facts."""
    account, past = Account.new("a", PACKS.rules), list[f.Fact]()

    def fed(fact: f.Fact, on: date) -> None:
        apply(account, fact, on, "e", [(one, on) for one in past] if isinstance(fact, f.Reversed) else None)
        past.append(fact)

    fed(OPENED, START)
    today = START
    for n in range((facts - 1) // 2):
        today += timedelta(days=1)
        fed(f.Billed(f"b{n}", "instalment", 1_000, today, today), today)
        fed(f.Repaid(f"r{n}", 1_000, today), today)
    for n in range(open_obligations):
        fed(f.Billed(f"o{n:04d}", "instalment", 1_000, today, today + timedelta(days=n)), today)
    return translate.folded(account), past


def us(work: Callable[[], object], repetitions: int = REPETITIONS) -> float:
    """Median microseconds."""
    spent = []
    for _ in range(repetitions):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent) * 1e6


def repayment_us(folded: str, past: list[f.Fact]) -> float:
    """Reading the account, one repayment, writing it."""
    on = max(fact.effective_on for fact in past) + timedelta(days=1)

    def event() -> str:
        account = translate.account("a", folded, PACKS.rules)
        apply(account, f.Repaid("new", 100, on), on, "e")
        return translate.folded(account)

    return us(event)


def reversal_us(folded: str, past: list[f.Fact]) -> float:
    """The same for a reversal, the facts read from their stored text."""
    stored = [(fact.kind, orjson.dumps(f.pack(fact))) for fact in past]
    on = max(fact.effective_on for fact in past)

    def event() -> str:
        account = translate.account("a", folded, PACKS.rules)
        history = [(f.unpack(kind, orjson.loads(body)), on) for kind, body in stored]
        apply(account, f.Reversed("r0", on), on, "e", history)
        return translate.folded(account)

    return us(event, 5)


def measure() -> dict[str, dict[str, float]]:
    """Each row with its cost, and how it stands to the first of its kind."""
    found: dict[str, dict[str, float]] = {}
    for facts in FACTS:
        found[f"{facts:,} facts, 1 open obligation"] = {"us_per_event": repayment_us(*account_with(1, facts))}
    first = found["1 facts, 1 open obligation"]["us_per_event"]
    for obligations in OPEN_OBLIGATIONS:
        found[f"{obligations:,} open obligations"] = {"us_per_event": repayment_us(*account_with(obligations, 1))}
    for figures in found.values():
        figures["times_the_youngest"] = figures["us_per_event"] / first
    for facts in FACTS[1:4]:
        found[f"{facts:,} facts, from history"] = {"us_per_event": reversal_us(*account_with(1, facts))}
    return found


def main(json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None) -> None:
    """Measure and print."""
    printed("one more event", measure(), json_file)


if __name__ == "__main__":
    typer.run(main)
