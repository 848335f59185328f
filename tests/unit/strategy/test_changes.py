"""What there is to write after a fold."""

from dataclasses import replace

from services.strategy.changes import Changes, Loaded, changes
from services.strategy.domain.customer import Customer
from services.strategy.domain.react import react
from tests.unit.strategy.cases import MONDAY, book, day, now, owes, promised, repaid


def loaded() -> Loaded:
    """A customer in arrears who promised and paid a part."""
    customer = Customer("c-1")
    for fact in (owes(1, MONDAY), promised(MONDAY, day(5), 9_000), repaid(2, day(1), 100, key="r-1")):
        react(customer, fact, now(MONDAY), book())
    return Loaded.of(customer, 3)


def test_nothing_is_written_of_a_customer_left_alone() -> None:
    assert changes([loaded()]) == Changes()


def test_a_part_that_was_replaced_by_its_like_is_not_written() -> None:
    one = loaded()
    one.customer.accounts = {key: replace(account) for key, account in one.customer.accounts.items()}
    assert changes([one]) == Changes()


def test_a_repayment_told_again_writes_nothing() -> None:
    one = loaded()
    react(one.customer, repaid(2, day(1), 100, key="r-1"), now(MONDAY), book())
    assert changes([one]) == Changes()


def test_only_what_changed_is_written() -> None:
    one = loaded()
    react(one.customer, repaid(3, day(1), 500, key="r-2"), now(MONDAY), book())
    (account,), (promise,) = one.customer.accounts.values(), one.customer.promises.values()
    assert (account.version, promise.paid_minor) == (3, 600)
    repayment = one.customer.repayments["a-1", "r-2"]
    assert changes([one]) == Changes(accounts=[account], promises=[promise], repayments=[repayment])


def test_a_new_customer_is_written_with_its_partition() -> None:
    new = Loaded.new("c-2", 7)
    assert changes([new]).customers == [(new.customer, 7)]
