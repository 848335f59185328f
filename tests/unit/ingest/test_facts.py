"""How facts are written down: these texts are in databases, so that none of them may change."""

import pytest

from services.ingest.domain import facts as f
from tests.unit.ingest.cases import day

ONE_OF_EACH: list[tuple[f.Fact, str, str, list[object], int]] = [
    (
        f.Opened("c", "loan", "EUR", "p", ("x", "y"), day(1), 5, 6),
        "opened", "opened", ["c", "loan", "EUR", "p", ["x", "y"], "2021-01-01", 5, 6], 1,
    ),
    (f.Opened("c", "loan", "EUR", "p", (), day(1)), "opened", "opened",
        ["c", "loan", "EUR", "p", [], "2021-01-01", None, None], 1),
    (f.Billed("b", "fee", 7, day(2), day(3)), "billed", "b", ["b", "fee", 7, "2021-01-02", "2021-01-03"], 2),
    (f.Adjusted("b", "j", 7, day(2)), "adjusted", "j", ["b", "j", 7, "2021-01-02"], 2),
    (f.Cancelled("b", day(2)), "cancelled", "b", ["b", "2021-01-02"], 2),
    (f.Repaid("r", 7, day(2)), "repaid", "r", ["r", 7, "2021-01-02"], 2),
    (f.Reversed("r", day(2)), "reversed", "r", ["r", "2021-01-02"], 2),
    (f.ChargedBack("r", day(2)), "charged_back", "r", ["r", "2021-01-02"], 2),
    (f.Balance("e", 7, day(2)), "balance", "e", ["e", 7, "2021-01-02"], 2),
    (f.Paused("p", day(2), day(3)), "paused", "p", ["p", "2021-01-02", "2021-01-03"], 2),
    (f.Paused("p", day(2)), "paused", "p", ["p", "2021-01-02", None], 2),
    (f.Resumed("p", day(2)), "resumed", "p", ["p", "2021-01-02"], 2),
    (f.Reaged("g", day(2)), "reaged", "g", ["g", "2021-01-02"], 2),
    (f.ReageUndone("g", day(2)), "reage_undone", "g", ["g", "2021-01-02"], 2),
    (f.WrittenOff(7, day(2)), "written_off", "written_off", [7, "2021-01-02"], 2),
    (f.Closed(day(2)), "closed", "closed", ["2021-01-02"], 2),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "kind", "key", "values", "effective"), ONE_OF_EACH)
def test_a_fact_is_stored_and_read_by_its_kind(
    fact: f.Fact, kind: str, key: str, values: list[object], effective: int
) -> None:
    assert (fact.kind, fact.key, fact.effective_on) == (kind, key, day(effective))
    assert f.pack(fact) == values
    assert f.unpack(kind, values) == fact


def test_a_kind_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError):
        f.unpack("lent", [])
