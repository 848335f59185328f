"""Status events on their way out: made without validation, and yet what validation would have let through."""

from services.ingest import translate
from services.ingest.domain.changes import StatusChange
from tests.unit.ingest.cases import Fed, bill, repaid


def every_kind() -> tuple[Fed, list[StatusChange]]:
    fed = Fed()
    told = [*fed.facts(bill(amount=5_000)), *fed.closes(32), *fed.closes(61), *fed.fact(repaid(amount=2_000, on=62))]
    return fed, [*told, *fed.fact(repaid("r2", amount=3_000, on=63))]


def test_each_kind_of_status_is_a_whole_and_valid_event() -> None:
    fed, told = every_kind()
    assert {"entered", "rolled", "cured", "repayment_applied"} <= {change.kind for change in told}
    for change in told:
        event = translate.status(fed.account, change)
        assert event.__dict__.keys() == type(event).model_fields.keys()
        assert type(event).model_validate_json(event.model_dump_json()) == event


def test_a_kept_status_reads_as_it_was_told() -> None:
    fed, told = every_kind()
    for change in told:
        assert translate.as_told(change.version, translate.told(fed.account, change)) == (change, "instalment@1")
