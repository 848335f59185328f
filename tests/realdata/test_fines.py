"""10,003 traffic fines through the pure function: every figure that was computed independently."""

import csv
import json
from collections import Counter
from datetime import date
from typing import Any

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.figures import figures_on
from services.ingest.domain.known import Known
from services.ingest.domain.view import LedgerView, ledger_view
from tests.realdata.figures import Standing, bucket_of, euro, fines_as_of
from tests.realdata.fines import FILE, Fine, read_fines
from tests.shared_data import shared_data
from tests.unit.ingest.cases import rules

BY = rules("instalment")
LAST_DAY = date(2013, 12, 31)


@pytest.fixture(scope="module")
def fines() -> dict[str, Fine]:
    return read_fines(shared_data(FILE))


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared_data("reference.json").read_text())["traffic_fines_sample"]
    return found


def standing(fine: Fine, on: date) -> Standing | None:
    """What is known of a fine at the end of that day; None before it was made."""
    known = fine.known(on)
    if not known:
        return None
    told = Known(known)
    now, placed = figures_on(told, BY.policy, on), fine.placed_on is not None and fine.placed_on <= on
    return Standing(open_minor(ledger_view(told, BY, on)), now.arrears_minor, bucket_of(now.age), placed)


def open_minor(view: LedgerView) -> int:
    """What is unpaid, due or not, less what nothing was owed for."""
    return sum(o.unpaid_minor for o in view.obligations) - sum(r.unallocated_minor for r in view.repayments)


@pytest.mark.parametrize("day", ["2004-12-31", "2007-12-31", "2010-12-31", "2012-12-31"])
def test_open_and_past_due_by_bucket(fines: dict[str, Fine], reference: dict[str, Any], day: str) -> None:
    standings = (standing(fine, date.fromisoformat(day)) for fine in fines.values())
    assert fines_as_of(s for s in standings if s is not None) == reference["asof"][day]


def test_final_balances(fines: dict[str, Fine], reference: dict[str, Any]) -> None:
    balances = {id_: open_minor(ledger_view(fine.known(LAST_DAY), BY, LAST_DAY)) for id_, fine in fines.items()}
    still_open, overpaid = [b for b in balances.values() if b > 0], [b for b in balances.values() if b < 0]
    assert len(balances) == reference["cases"]
    assert euro(sum(balances.values())) == reference["final_outstanding_net"]
    assert sum(b == 0 for b in balances.values()) == reference["cases_zero_balance"]
    assert [len(overpaid), euro(sum(overpaid))] == reference["cases_overpaid"]
    assert [len(still_open), euro(sum(still_open))] == reference["cases_open"]
    placed = sum(balances[id_] for id_, fine in fines.items() if fine.placed_on)
    assert euro(placed) == reference["placed_outstanding"]


def test_totals_of_what_was_told(fines: dict[str, Fine], reference: dict[str, Any]) -> None:
    facts = [fact for fine in fines.values() for fact, _ in fine.told]
    # A notification replaces a bill by a dated one: the first telling of each is what was fined or charged.
    billed = [fact for fact in facts if isinstance(fact, f.Billed) and not fact.bill_id.endswith("-due")]
    fined = sum(b.amount_minor for b in billed if b.bill_kind == "fine")
    charged = sum(b.amount_minor for b in billed if b.bill_kind == "fee")
    repaid = sum(fact.amount_minor for fact in facts if isinstance(fact, f.Repaid))
    assert (euro(fined), euro(charged), euro(repaid)) == (
        reference["fine_sum"], reference["expense_sum"], reference["payment_sum"],
    )  # fmt: skip
    owed = [o for fine in fines.values() for o in ledger_view(fine.known(LAST_DAY), BY, LAST_DAY).obligations]
    assert euro(sum(o.amount_minor for o in owed)) == reference["final_due_sum"]


def test_events_placements_and_penalties(fines: dict[str, Fine], reference: dict[str, Any]) -> None:
    with shared_data(FILE).open(encoding="utf-8", newline="") as file:
        assert Counter(row["activity"] for row in csv.DictReader(file)) == reference["events"]
    placed = Counter(fine.placed_on.isoformat() for fine in fines.values() if fine.placed_on)
    assert placed == reference["placements_by_day"]
    penalties = [
        (a.effective_on, fine.due_on) for fine in fines.values() for a, _ in fine.told if isinstance(a, f.Adjusted)
    ]
    on_the_due_date = sum(on == due_on for on, due_on in penalties)
    assert [on_the_due_date, len(penalties)] == reference["penalty_exactly_60d_after_notification"]
