"""An account's statement, line by line."""

from services.ingest.domain import facts as f
from services.ingest.domain.assessment import ledger_view
from services.ingest.domain.statement import Entry, statement
from tests.unit.ingest.cases import bill, day, opened, repaid, rules


def test_a_statement_runs_over_what_was_owed_and_received_up_to_the_day() -> None:
    facts: list[f.Fact] = [
        opened(), bill("b1", 100, due=31, issued=5), bill("b2", 50, due=61, issued=20),
        bill("b3", 9, due=90, issued=41),
        repaid("r1", 80, on=20), repaid("r2", 30, on=25), f.ChargedBack("r2", day(40)),
        repaid("r3", 7, on=26), f.Reversed("r3", day(27)), repaid("r4", 6, on=41),
    ]  # fmt: skip
    assert statement(ledger_view(facts, rules(), day(40))) == [
        Entry(day(5), "owed", "b1", 100, 100),
        Entry(day(20), "owed", "b2", 50, 150),
        Entry(day(20), "received", "r1", 80, 70),
        Entry(day(25), "received", "r2", 30, 40),
        Entry(day(40), "owed", "chargeback:r2", 30, 70),
    ]
