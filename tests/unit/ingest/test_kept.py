"""How an account is written down between facts: these values are in databases, so that none of them may move."""

from typing import Any

from services.ingest.domain.assessment import Assessment
from services.ingest.domain.counters import Counter
from services.ingest.domain.kept import Account, pack_assessment, unpack_assessment
from services.ingest.domain.spells import NO_SPELL, Spell
from tests.unit.ingest.cases import START, Fed, bill, day, rules

FIRST = START.toordinal()
LATE = Assessment(
    day(40), 9, "1-29", True, day(32), 10_000, 100_000, day(31), (("x", "bad"), ("y", "good")), "open", day(61)
)
FINE = Assessment(day(40), 0, "current", False, None, 0, 0, None, (), "open", None)


def test_an_assessment_reads_as_it_was_packed() -> None:
    packed: list[Any] = [
        FIRST + 39, 9, "1-29", True, FIRST + 31, 10_000, 100_000, FIRST + 30, [["x", "bad"], ["y", "good"]], "open",
        FIRST + 60,
    ]  # fmt: skip
    assert (pack_assessment(LATE), unpack_assessment(packed)) == (packed, LATE)
    nothing: list[Any] = [FIRST + 39, 0, "current", False, None, 0, 0, None, [], "open", None]
    assert (pack_assessment(FINE), unpack_assessment(nothing)) == (nothing, FINE)


def test_an_account_that_waits_is_three_numbers() -> None:
    account = Account.new("a-1", lambda *_: rules())
    account.waiting, account.version, account.as_of = 2, 1, day(5)
    assert account.pack() == [FIRST + 4, 1, 2]
    again = Account.unpack("a-1", account.pack(), lambda *_: rules())
    assert (again.account_id, again.as_of, again.version, again.waiting) == ("a-1", day(5), 1, 2)
    assert (again.rules, again.assessment) == (None, None)
    assert again.eve is again.spell is NO_SPELL
    assert (again.customer_id, again.product, again.currency, again.policy) == ("", "", "", "")
    assert again.classifications == ()


def test_an_account_keeps_names_ledger_spells_and_its_last_assessment() -> None:
    fed = Fed(rules("instalment", "ifrs9"))
    fed.fact(bill())
    fed.closes(32)
    fed.closes(33)
    account = fed.account
    packed = account.pack()
    assert packed == [
        FIRST + 32, 2, 0, ["c-1", "loan", "EUR", "instalment", ["ifrs9"]], account.ledger.pack(),
        [FIRST + 31, 1], [FIRST + 31, 2], pack_assessment(fed.now),
    ]  # fmt: skip
    by_names = {"instalment ifrs9": fed.by}
    again = Account.unpack("a-1", packed, lambda policy, labels: by_names[" ".join([policy, *labels])])
    assert (again.account_id, again.as_of, again.version, again.waiting) == ("a-1", day(33), 2, 0)
    assert (again.customer_id, again.product, again.currency, again.policy) == ("c-1", "loan", "EUR", "instalment")
    assert (again.classifications, again.rules, again.assessment) == (("ifrs9",), fed.by, fed.now)
    assert (again.eve, again.spell) == (Spell(day(32), 1), Spell(day(32), 2))
    assert again.ledger.pack() == account.ledger.pack()


def test_counters_of_a_spell_are_kept_one_by_one() -> None:
    fed = Fed()
    fed.account.eve = Spell(None, 4, (Counter(5, True, None, 7), Counter()))
    packed = fed.account.pack()
    assert packed[5:7] == [[None, 4, [5, True, None, 7], [None, False, None, None]], None]
    assert Account.unpack("a-1", packed, lambda *_: rules()).eve == fed.account.eve
