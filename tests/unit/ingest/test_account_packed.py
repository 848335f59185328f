"""An account as it is stored."""

import json

from services.ingest.domain import facts as f
from services.ingest.domain.account import Account
from tests.unit.ingest.cases import PACKS, Fed, bill, day, repaid, rules


def test_a_packed_account_is_short_and_reads_as_it_was() -> None:
    by = rules("in-rbi", "in-rbi", "ifrs9")
    fed = Fed(by)
    long = "0123456789abcdef0123456789abcdef"
    fed.facts(bill(f"{long}-1", due=31), bill(f"{long}-2", due=61), f.Balance(long, 90_000, day(20)))
    fed.facts(repaid(long, 4_000, on=40))
    fed.closes(70)
    text = json.dumps(fed.account.pack(), separators=(",", ":"))
    assert len(text) < 600
    again = Account.unpack("a-1", json.loads(text), PACKS.rules)
    assert again.pack() == fed.account.pack()
    assert (again.assessment, again.version, again.as_of) == (fed.now, fed.account.version, day(70))
    assert (again.customer_id, again.classifications) == ("c-1", ("in-rbi", "ifrs9"))


def test_what_is_kept_does_not_grow_with_an_accounts_age() -> None:
    fed, sizes = Fed(), []
    for month in range(36):
        first = 1 + 30 * month
        fed.facts(bill(f"b{month:04}", due=first + 14, issued=first), repaid(f"r{month:04}", on=first + 10))
        sizes.append(len(json.dumps(fed.account.pack())))
    assert sizes[-1] - sizes[2] <= 4
